-- The record path: single records from the API to canonical records.
-- Declares the tables and columns of the SQLite file beside this one. No foreign keys among them:
-- rows expire apart from each other, and reconciling tells what is missing.

-- Every object that was to be written, known before it was.
CREATE TABLE raw_object_manifest (
    record_id      TEXT COLLATE "C" PRIMARY KEY,
    source         TEXT COLLATE "C" NOT NULL,
    record_type    TEXT COLLATE "C" NOT NULL,
    object_key     TEXT COLLATE "C" NOT NULL UNIQUE,
    sha256         TEXT NOT NULL,
    size_bytes     BIGINT NOT NULL,
    content_type   TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('PLANNED', 'WRITTEN')),
    correlation_id TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    written_at     TIMESTAMPTZ,
    CHECK ((state = 'WRITTEN') = (written_at IS NOT NULL))
) WITH (fillfactor = 70);

-- One client's keys mean nothing to another. Finishing touches no indexed column and finds room
-- on its page: such an update writes no index.
CREATE TABLE ingest_idempotency (
    client          TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash    TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('IN_PROGRESS', 'DONE')),
    record_id       TEXT COLLATE "C" NOT NULL,
    correlation_id  TEXT NOT NULL,
    response_status BIGINT,
    response_body   TEXT,
    lease_owner     TEXT,
    lease_until     TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (client, idempotency_key),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK ((state = 'DONE') = (response_status IS NOT NULL)),
    CHECK ((state = 'DONE') = (response_body IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX ingest_idempotency_record ON ingest_idempotency (record_id);
CREATE INDEX ingest_idempotency_expires ON ingest_idempotency (expires_at);

CREATE TABLE outbox_events (
    sequence     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id     TEXT NOT NULL UNIQUE,
    record_id    TEXT COLLATE "C" NOT NULL,
    topic        TEXT COLLATE "C" NOT NULL,
    event_key    TEXT COLLATE "C" NOT NULL,
    payload      JSONB NOT NULL,
    headers      JSONB NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ,
    lease_owner  TEXT,
    lease_until  TIMESTAMPTZ,
    attempts     BIGINT NOT NULL DEFAULT 0,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
-- However long the history, a claim looks at what is unpublished alone.
CREATE INDEX outbox_events_unpublished ON outbox_events (sequence) WHERE published_at IS NULL;
CREATE INDEX outbox_events_of_key ON outbox_events (topic, event_key, sequence)
    WHERE published_at IS NULL;
CREATE INDEX outbox_events_record ON outbox_events (record_id);

CREATE TABLE canonical_records (
    record_id      TEXT COLLATE "C" PRIMARY KEY,
    source         TEXT COLLATE "C" NOT NULL,
    record_type    TEXT COLLATE "C" NOT NULL,
    payload        JSONB NOT NULL,
    -- When it happened, as the client said.
    ingested_at    TIMESTAMPTZ NOT NULL,
    -- Null for the first version of the API.
    event_version  TEXT,
    record_kind    TEXT COLLATE "C",
    schema_hint    TEXT,
    object_key     TEXT COLLATE "C" NOT NULL,
    sha256         TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX canonical_records_page ON canonical_records (ingested_at, record_id);
CREATE INDEX canonical_records_of_source
    ON canonical_records (source, record_type, ingested_at, record_id);

CREATE TABLE processing_stage_state (
    record_id  TEXT COLLATE "C" NOT NULL,
    stage      TEXT COLLATE "C" NOT NULL CHECK (stage IN ('normalize')),
    status     TEXT NOT NULL CHECK (status IN ('STARTED', 'SUCCEEDED', 'RETRYING', 'DEAD')),
    attempts   BIGINT NOT NULL,
    error_code TEXT,
    error      TEXT,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (record_id, stage)
) WITH (fillfactor = 70);

CREATE TABLE processing_attempts (
    attempt_id  TEXT COLLATE "C" PRIMARY KEY,
    record_id   TEXT COLLATE "C" NOT NULL,
    stage       TEXT COLLATE "C" NOT NULL CHECK (stage IN ('normalize')),
    attempt     BIGINT NOT NULL,
    owner       TEXT NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    -- An attempt without an end was cut short.
    finished_at TIMESTAMPTZ,
    outcome     TEXT CHECK (outcome IN ('SUCCEEDED', 'FAILED')),
    error_code  TEXT,
    error       TEXT,
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX processing_attempts_record ON processing_attempts (record_id, stage, attempt);

CREATE TABLE dead_letters (
    dead_letter_id TEXT COLLATE "C" PRIMARY KEY,
    record_id      TEXT COLLATE "C",
    event_id       TEXT NOT NULL,
    stage          TEXT COLLATE "C" NOT NULL CHECK (stage IN ('normalize')),
    topic          TEXT COLLATE "C" NOT NULL,
    event_key      TEXT,
    -- As published: references, never a patient's values. Null where it could not be read.
    message        JSONB,
    headers        JSONB NOT NULL,
    reason_code    TEXT NOT NULL,
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('OPEN', 'REDRIVEN', 'DISCARDED')),
    created_at     TIMESTAMPTZ NOT NULL,
    decided_at     TIMESTAMPTZ,
    decided_by     TEXT,
    note           TEXT,
    CHECK ((state = 'OPEN') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL))
);
-- One open letter of an event, however often it is given up.
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (event_id) WHERE state = 'OPEN';
CREATE INDEX dead_letters_record ON dead_letters (record_id);
