--liquibase formatted sql

--changeset registry_owner:results-of-laboratory runOnChange:true splitStatements:false stripComments:false
CREATE OR REPLACE FUNCTION registry.results_of(lab uuid) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
    SELECT count(*)
      FROM registry.test_result r
      JOIN registry.test_order o USING (test_order_id)
      JOIN registry.sample s USING (sample_id)
     WHERE s.laboratory_id = lab
$$;
COMMENT ON FUNCTION registry.results_of(uuid) IS 'Скільки результатів має лабораторія';
--rollback DROP FUNCTION registry.results_of(uuid);

--changeset registry_owner:view-overdue
CREATE VIEW registry.overdue_order AS
SELECT o.test_order_id, o.ordered_at, s.barcode
  FROM registry.test_order o
  JOIN registry.sample s USING (sample_id)
 WHERE NOT EXISTS (SELECT FROM registry.test_result r WHERE r.test_order_id = o.test_order_id);
--rollback DROP VIEW registry.overdue_order;
