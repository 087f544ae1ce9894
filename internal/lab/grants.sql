CREATE ROLE patchbay LOGIN CREATEDB CREATEROLE PASSWORD 'a long random password';
GRANT pg_signal_backend TO patchbay;
GRANT SET ON PARAMETER temp_file_limit TO patchbay;
CREATE DATABASE patchbay OWNER patchbay;
REVOKE CONNECT, TEMPORARY ON DATABASE patchbay FROM PUBLIC;
