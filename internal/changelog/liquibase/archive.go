package liquibase

import (
	"context"
	"crypto/sha256"
	_ "embed" // the list of classes
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Warmed is the installation with what Train made for this Java and these
// jars, as far as it is there. Java itself checks the archive once more and
// does without it if in doubt.
func (h *Home) Warmed(cacheDir string) *Home {
	if cacheDir == "" {
		return h
	}
	name, err := h.cacheName(cacheDir)
	if err != nil {
		return h
	}
	if _, err := os.Stat(name + archiveSuffix); err != nil {
		return h
	}
	w := *h.warmed(name + ".jar")
	w.archive = name + archiveSuffix
	return &w
}

// IsWarm says whether Train has made an archive for this Java and these jars.
func (h *Home) IsWarm(cacheDir string) bool { return h.Warmed(cacheDir).archive != "" }

const archiveSuffix = ".jsa"

// cacheName carries everything that archive and launcher depend on.
func (h *Home) cacheName(cacheDir string) (string, error) {
	release, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(h.Java)), "release"))
	if err != nil {
		return "", err // without it the build of this Java is unknown
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%s", h.Java, release, h.classPath(), h.digest, launcherSource, online))
	return filepath.Join(cacheDir, "liquibase-"+hex.EncodeToString(sum[:8])), nil
}

// Train compiles the launcher, runs Liquibase once, without a database and on
// a changelog of our own, and lets Java write the classes that it loaded, and
// those that a run with a database loads too, into an archive. See
// https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html.
func (h *Home) Train(ctx context.Context, cacheDir string) error {
	name, err := h.cacheName(cacheDir)
	if err != nil {
		return change.Failf(change.KindConfiguration, "name the class data archive: %w", err)
	}
	if _, err := os.Stat(name + archiveSuffix); err == nil {
		return nil
	}
	work, err := os.MkdirTemp(cacheDir, "train-")
	if err != nil {
		return change.Failf(change.KindInfrastructure, "make a directory for training: %w", err)
	}
	defer os.RemoveAll(work)
	if err := h.compile(ctx, work, name+".jar"); err != nil {
		return err
	}
	made := filepath.Join(work, "archive")
	if err := h.warmed(name+".jar").train(ctx, work, made); err != nil {
		return err
	}
	if err := os.Rename(made, name+archiveSuffix); err != nil {
		return change.Failf(change.KindInfrastructure, "keep the class data archive: %w", err)
	}
	return nil
}

func (h *Home) train(ctx context.Context, work, made string) error {
	for name, text := range trainingFiles {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return change.Failf(change.KindInfrastructure, "write the training changelog: %w", err)
		}
	}
	u := Update{Dir: work, Scratch: work, Changelog: "main.xml"}
	if err := os.MkdirAll(u.file("work"), 0o700); err != nil {
		return change.Failf(change.KindInfrastructure, "make a directory for training: %w", err)
	}
	path := "--search-path="
	if !h.SearchPath {
		path = "--classpath="
	}
	list := filepath.Join(work, "classes")
	said, err := h.java(ctx, u, slices.Concat([]string{"-XX:DumpLoadedClassList=" + list}, h.javaOptions(u), []string{
		"--headless=true", path + work, "update-sql", "--changelog-file=main.xml",
		"--output-file=" + filepath.Join(work, "out.sql"),
		"--url=offline:postgresql?changeLogFile=" + filepath.Join(work, "history.csv"),
	}))
	if err == nil {
		said, err = h.dump(ctx, u, list, made)
	}
	if err != nil {
		return change.Failf(change.KindInfrastructure, "Java made no class data archive: %s", firstSaying(said)).
			WithHint("runs work without it; Java 11 or newer can make one")
	}
	return nil
}

// online are the classes that only a run with a database loads, by the
// difference of two runs under -Xlog:class+load. Names that an installation
// does not have are passed over.
//
//go:embed online.classes
var online []byte

// dump makes the archive of the classes in a list.
func (h *Home) dump(ctx context.Context, u Update, list, made string) (said string, err error) {
	loaded, err := os.ReadFile(list)
	if err != nil {
		return err.Error(), err
	}
	if err := os.WriteFile(list, append(loaded, online...), 0o600); err != nil {
		return err.Error(), err
	}
	said, err = h.java(ctx, u, []string{
		"-Xshare:dump", "-XX:SharedClassListFile=" + list, "-XX:SharedArchiveFile=" + made, "-cp", h.classPath(),
	})
	if err == nil {
		_, err = os.Stat(made)
	}
	return said, err
}

// java runs Java on nothing of a candidate's and gives what it said.
func (h *Home) java(ctx context.Context, u Update, arguments []string) (string, error) {
	cmd := exec.CommandContext(ctx, h.Java, arguments...)
	cmd.Dir, cmd.Env = u.file("work"), []string{"LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// trainingFiles use the kinds of changelog and change that models use most.
var trainingFiles = map[string]string{
	"logging.properties": logging,
	"main.xml": `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
  <property name="type" value="text"/>
  <changeSet id="1" author="train">
    <createTable tableName="a" remarks="a"><column name="id" type="uuid" remarks="id"><constraints primaryKey="true" primaryKeyName="pk_a"/></column>
      <column name="name" type="${type}" defaultValue="x"><constraints nullable="false" unique="true"/></column></createTable>
    <createIndex tableName="a" indexName="i_a"><column name="name"/></createIndex>
  </changeSet>
  <changeSet id="2" author="train" context="a or b">
    <preConditions onFail="MARK_RAN"><sqlCheck expectedResult="1">SELECT 1</sqlCheck></preConditions>
    <createTable tableName="b"><column name="id" type="bigint" autoIncrement="true"><constraints primaryKey="true"/></column><column name="a_id" type="uuid"/></createTable>
    <addForeignKeyConstraint baseTableName="b" baseColumnNames="a_id" constraintName="fk_b" referencedTableName="a" referencedColumnNames="id"/>
    <addColumn tableName="b"><column name="c" type="varchar(10)" valueNumeric="1"/></addColumn>
    <insert tableName="b"><column name="c" value="1"/></insert>
    <sql splitStatements="false">SELECT 1</sql><createView viewName="v">SELECT 1 AS one</createView>
    <dropColumn tableName="b" columnName="c"/><modifyDataType tableName="a" columnName="name" newDataType="varchar(5)"/>
    <addNotNullConstraint tableName="b" columnName="a_id"/><addUniqueConstraint tableName="b" columnNames="a_id"/>
  </changeSet>
  <include file="more.sql"/>
  <include file="more.yaml"/>
</databaseChangeLog>
`,
	"more.sql":  "--liquibase formatted sql\n--changeset train:3\nSELECT 1;\n",
	"more.yaml": "databaseChangeLog:\n- changeSet: {id: 4, author: train, changes: [{sql: {sql: SELECT 1}}]}\n",
}
