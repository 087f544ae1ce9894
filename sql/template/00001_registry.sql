-- What every registry's model builds on: structure only, no rows. It runs as
-- the owner role, in a database where that role may create schemas and may
-- create in public.

-- +goose Up
CREATE SCHEMA registry;
COMMENT ON SCHEMA registry IS 'The model of the registry: what changelogs create';

CREATE DOMAIN public.dn_edrpou AS text CHECK (VALUE ~ '^[0-9]{8,10}$');
COMMENT ON DOMAIN public.dn_edrpou IS 'Код ЄДРПОУ або РНОКПП: 8–10 цифр';

CREATE DOMAIN public.dn_passport_num AS text CHECK (VALUE ~ '^[АВЕІКМНОРСТХABEIKMHOPCTX]{2}[0-9]{6}$');
COMMENT ON DOMAIN public.dn_passport_num IS 'Серія та номер паспорта: дві літери, шість цифр';
