package main

import (
	"fmt"
	"strings"
)

const (
	rootChangelog = "data-model/main-liquibase.xml"
	head          = `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
                   xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                   xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
`
)

// liquibaseModel is a changelog of n tables of eight columns with primary key,
// unique, index and a foreign key to the table before.
func liquibaseModel(n int) map[string]string {
	var text strings.Builder
	text.WriteString(head)
	for i := range n {
		fmt.Fprintf(&text, table, i, i, i, i, i, i, i, i, reference(i))
	}
	text.WriteString("</databaseChangeLog>\n")
	return map[string]string{
		rootChangelog:           including("tables.xml"),
		"data-model/tables.xml": text.String(),
	}
}

const table = `  <changeSet author="bench" id="table t%d">
    <createTable tableName="t%d" remarks="Таблиця %d">
      <column name="id" type="UUID"><constraints nullable="false" primaryKey="true" primaryKeyName="pk_t%d"/></column>
      <column name="code" type="VARCHAR(40)" remarks="Код"><constraints nullable="false" unique="true" uniqueConstraintName="ui_t%d"/></column>
      <column name="name" type="TEXT"/><column name="amount" type="NUMERIC(12,2)" defaultValueNumeric="0"/>
      <column name="made_at" type="TIMESTAMP WITH TIME ZONE" defaultValueComputed="now()"/>
      <column name="valid" type="BOOLEAN"/><column name="note" type="TEXT"/><column name="before_id" type="UUID"/>
    </createTable>
    <createIndex tableName="t%d" indexName="ix_t%d"><column name="name"/></createIndex>
    <!-- %d -->%s
  </changeSet>
`

func reference(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf(`<addForeignKeyConstraint baseTableName="t%d" baseColumnNames="before_id" constraintName="fk_t%d" referencedTableName="t%d" referencedColumnNames="id"/>`, i, i, i-1)
}

// liquibaseCandidate adds two changesets to a model.
func liquibaseCandidate() map[string]string {
	return map[string]string{
		rootChangelog: including("tables.xml", "candidate.xml"),
		"data-model/candidate.xml": head + `  <changeSet author="bench" id="column t1.more"><addColumn tableName="t1"><column name="more" type="TEXT"/></addColumn></changeSet>
  <changeSet author="bench" id="index t1.more"><createIndex tableName="t1" indexName="ix_t1_more"><column name="more"/></createIndex></changeSet>
</databaseChangeLog>
`,
	}
}

func including(files ...string) string {
	text := head
	for _, file := range files {
		text += `  <include file="data-model/` + file + `"/>` + "\n"
	}
	return text + "</databaseChangeLog>\n"
}

// gooseModel is n migrations of a table each.
func gooseModel(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("data-model/migrations/%05d_t%d.sql", i+1, i)] = fmt.Sprintf(
			"-- +goose Up\nCREATE TABLE t%d (id uuid PRIMARY KEY, code varchar(40) UNIQUE NOT NULL, name text, amount numeric(12,2) DEFAULT 0);\nCREATE INDEX ix_t%d ON t%d (name);\n", i, i, i)
	}
	return files
}

func gooseCandidate(n int) map[string]string {
	return map[string]string{fmt.Sprintf("data-model/migrations/%05d_more.sql", n+1): "-- +goose Up\nALTER TABLE t1 ADD more text;\nCREATE INDEX ix_t1_more ON t1 (more);\n"}
}
