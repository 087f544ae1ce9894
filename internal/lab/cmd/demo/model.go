package main

import "strings"

const (
	root = "data-model/main-liquibase.xml"
	head = `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
                   xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                   xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
`
	tail = "</databaseChangeLog>\n"
)

// including is the root changelog with more includes after the registry's own.
func including(files ...string) string {
	text := head + `    <property name="schema" value="registry"/>` + "\n"
	for _, file := range append([]string{"tables.xml", "laboratory-work.xml", "dictionaries.xml", "procedures.sql"}, files...) {
		text += `    <include file="data-model/` + file + `"/>` + "\n"
	}
	return text + tail
}

const calibration = head + `    <changeSet author="olena" id="table calibration">
        <createTable schemaName="${schema}" tableName="calibration" remarks="Повірка обладнання">
            <column name="calibration_id" type="UUID" defaultValueComputed="gen_random_uuid()">
                <constraints nullable="false" primaryKey="true" primaryKeyName="pk_calibration_id"/>
            </column>
            <column name="calibrated_on" type="DATE" remarks="Дата повірки"><constraints nullable="false"/></column>
            <column name="equipment_id" type="UUID" remarks="Обладнання">
                <constraints nullable="false" foreignKeyName="fk_calibration_equipment" referencedTableSchemaName="${schema}" referencedTableName="equipment" referencedColumnNames="equipment_id"/>
            </column>
        </createTable>
        <createIndex schemaName="${schema}" tableName="calibration" indexName="ix_calibration_equipment"><column name="equipment_id"/></createIndex>
    </changeSet>
    <changeSet author="olena" id="equipment.next_calibration">
        <addColumn schemaName="${schema}" tableName="equipment"><column name="next_calibration" type="DATE" remarks="Наступна повірка"/></addColumn>
    </changeSet>
` + tail

// courier references a table by the name given: one of the two does not exist.
func courier(table string) string {
	return head + strings.ReplaceAll(`    <changeSet author="taras" id="table courier">
        <createTable schemaName="${schema}" tableName="courier" remarks="Кур’єр">
            <column name="courier_id" type="UUID"><constraints nullable="false" primaryKey="true" primaryKeyName="pk_courier_id"/></column>
            <column name="full_name" type="TEXT"><constraints nullable="false"/></column>
        </createTable>
    </changeSet>
    <changeSet author="taras" id="sample.courier_id">
        <addColumn schemaName="${schema}" tableName="sample"><column name="courier_id" type="UUID" remarks="Хто привіз"/></addColumn>
        <addForeignKeyConstraint baseTableSchemaName="${schema}" baseTableName="sample" baseColumnNames="courier_id" constraintName="fk_sample_courier"
                                 referencedTableSchemaName="${schema}" referencedTableName="TABLE" referencedColumnNames="courier_id"/>
    </changeSet>
`, "TABLE", table) + tail
}

const storage = head + `    <changeSet author="olena" id="table storage">
        <createTable schemaName="${schema}" tableName="storage" remarks="Сховище зразків">
            <column name="storage_id" type="UUID"><constraints nullable="false" primaryKey="true" primaryKeyName="pk_storage_id"/></column>
            <column name="name" type="TEXT"><constraints nullable="false" unique="true" uniqueConstraintName="ui_storage_name"/></column>
            <column name="celsius" type="NUMERIC(4,1)" remarks="Температура"/>
        </createTable>
    </changeSet>
` + tail

const cleanUp = head + `    <changeSet author="olena" id="laboratory.phone narrowed">
        <modifyDataType schemaName="${schema}" tableName="laboratory" columnName="phone" newDataType="VARCHAR(20)"/>
    </changeSet>
    <changeSet author="olena" id="staff.salary dropped">
        <dropColumn schemaName="${schema}" tableName="staff" columnName="salary"/>
    </changeSet>
` + tail
