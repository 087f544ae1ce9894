-- Which id an asset has in which environment.
CREATE TABLE resource_mappings (
    environment TEXT NOT NULL,
    kind        TEXT NOT NULL, -- database, dataset, chart, dashboard
    uuid        TEXT NOT NULL,
    id          INTEGER NOT NULL,
    name        TEXT NOT NULL, -- of a database: the logical name
    changed     TEXT,          -- UTC, as Superset writes it; databases have none
    PRIMARY KEY (environment, kind, uuid)
) WITHOUT ROWID;

CREATE UNIQUE INDEX resource_mappings_id ON resource_mappings (environment, kind, id);
