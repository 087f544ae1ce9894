"""A small warehouse in SQLite: laboratories, their staff and samples."""
import sqlite3
import sys

c = sqlite3.connect(sys.argv[1])
c.executescript("""
CREATE TABLE IF NOT EXISTS laboratory (id INTEGER, name TEXT, region TEXT, opened DATE, lat REAL, lon REAL);
CREATE TABLE IF NOT EXISTS sample (id INTEGER, laboratory TEXT, taken TIMESTAMP, kind TEXT, amount REAL, passed INTEGER);
CREATE TABLE IF NOT EXISTS staff (id INTEGER, laboratory TEXT, position TEXT, salary REAL);
CREATE TABLE IF NOT EXISTS local_notes (id INTEGER, note TEXT);
""")
c.commit()
