-- The record path: single records from the API to canonical records.
-- Declares the tables and columns of the Postgres file beside this one. No foreign keys among them:
-- rows expire apart from each other, and reconciling tells what is missing.

-- Every object that was to be written, known before it was.
CREATE TABLE raw_object_manifest (
    record_id      TEXT PRIMARY KEY,
    source         TEXT NOT NULL,
    record_type    TEXT NOT NULL,
    object_key     TEXT NOT NULL UNIQUE,
    sha256         TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    content_type   TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('PLANNED', 'WRITTEN')),
    correlation_id TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    written_at     TEXT,
    CHECK ((state = 'WRITTEN') = (written_at IS NOT NULL))
) STRICT;

-- One client's keys mean nothing to another.
CREATE TABLE ingest_idempotency (
    client          TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash    TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('IN_PROGRESS', 'DONE')),
    record_id       TEXT NOT NULL,
    correlation_id  TEXT NOT NULL,
    response_status INTEGER,
    response_body   TEXT,
    lease_owner     TEXT,
    lease_until     TEXT,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    PRIMARY KEY (client, idempotency_key),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK ((state = 'DONE') = (response_status IS NOT NULL)),
    CHECK ((state = 'DONE') = (response_body IS NOT NULL))
) STRICT;
CREATE INDEX ingest_idempotency_record ON ingest_idempotency (record_id);
CREATE INDEX ingest_idempotency_expires ON ingest_idempotency (expires_at);

CREATE TABLE outbox_events (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id     TEXT NOT NULL UNIQUE,
    record_id    TEXT NOT NULL,
    topic        TEXT NOT NULL,
    event_key    TEXT NOT NULL,
    payload      TEXT NOT NULL,
    headers      TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    published_at TEXT,
    lease_owner  TEXT,
    lease_until  TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
-- However long the history, a claim looks at what is unpublished alone.
CREATE INDEX outbox_events_unpublished ON outbox_events (sequence) WHERE published_at IS NULL;
CREATE INDEX outbox_events_of_key ON outbox_events (topic, event_key, sequence)
    WHERE published_at IS NULL;
CREATE INDEX outbox_events_record ON outbox_events (record_id);

CREATE TABLE canonical_records (
    record_id      TEXT PRIMARY KEY,
    source         TEXT NOT NULL,
    record_type    TEXT NOT NULL,
    payload        TEXT NOT NULL,
    -- When it happened, as the client said.
    ingested_at    TEXT NOT NULL,
    -- Null for the first version of the API.
    event_version  TEXT,
    record_kind    TEXT,
    schema_hint    TEXT,
    object_key     TEXT NOT NULL,
    sha256         TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT;
CREATE INDEX canonical_records_page ON canonical_records (ingested_at, record_id);
CREATE INDEX canonical_records_of_source
    ON canonical_records (source, record_type, ingested_at, record_id);

CREATE TABLE processing_stage_state (
    record_id  TEXT NOT NULL,
    stage      TEXT NOT NULL CHECK (stage IN ('normalize')),
    status     TEXT NOT NULL CHECK (status IN ('STARTED', 'SUCCEEDED', 'RETRYING', 'DEAD')),
    attempts   INTEGER NOT NULL,
    error_code TEXT,
    error      TEXT,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (record_id, stage)
) STRICT;

CREATE TABLE processing_attempts (
    attempt_id  TEXT PRIMARY KEY,
    record_id   TEXT NOT NULL,
    stage       TEXT NOT NULL CHECK (stage IN ('normalize')),
    attempt     INTEGER NOT NULL,
    owner       TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    -- An attempt without an end was cut short.
    finished_at TEXT,
    outcome     TEXT CHECK (outcome IN ('SUCCEEDED', 'FAILED')),
    error_code  TEXT,
    error       TEXT,
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) STRICT;
CREATE INDEX processing_attempts_record ON processing_attempts (record_id, stage, attempt);

CREATE TABLE dead_letters (
    dead_letter_id TEXT PRIMARY KEY,
    record_id      TEXT,
    event_id       TEXT NOT NULL,
    stage          TEXT NOT NULL CHECK (stage IN ('normalize')),
    topic          TEXT NOT NULL,
    event_key      TEXT,
    -- As published: references, never a patient's values. Null where it could not be read.
    message        TEXT,
    headers        TEXT NOT NULL,
    reason_code    TEXT NOT NULL,
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('OPEN', 'REDRIVEN', 'DISCARDED')),
    created_at     TEXT NOT NULL,
    decided_at     TEXT,
    decided_by     TEXT,
    note           TEXT,
    CHECK ((state = 'OPEN') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL))
) STRICT;
-- One open letter of an event, however often it is given up.
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (event_id) WHERE state = 'OPEN';
CREATE INDEX dead_letters_record ON dead_letters (record_id);
