-- What went wrong and whom it was told: incidents, and one delivery per channel and action.

-- Since when what happens is told of at all: a history that was there before stays quiet.
-- `*` is this database; any other subject is a feed.
CREATE TABLE alert_watch (
    subject TEXT PRIMARY KEY,
    since   TIMESTAMPTZ NOT NULL
);
INSERT INTO alert_watch (subject, since) VALUES ('*', now());

CREATE TABLE alert_incident (
    incident_id TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN (
                    'reject_ratio', 'stale_feed', 'failure', 'failed_submission', 'failed_month')),
    subject     TEXT COLLATE "C" NOT NULL,
    opened_at   TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ,
    detail      JSONB NOT NULL,
    resolution  JSONB,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
-- One incident at a time, however many processes find it.
CREATE UNIQUE INDEX alert_incident_open ON alert_incident (kind, subject)
    WHERE resolved_at IS NULL;
CREATE INDEX alert_incident_resolved ON alert_incident (kind, subject, resolved_at)
    WHERE resolved_at IS NOT NULL;

CREATE TABLE alert_delivery (
    delivery_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES alert_incident (incident_id),
    channel     TEXT NOT NULL CHECK (channel IN ('webhook', 'slack', 'pagerduty')),
    action      TEXT NOT NULL CHECK (action IN ('OPEN', 'RESOLVE')),
    attempts    BIGINT NOT NULL DEFAULT 0,
    due_at      TIMESTAMPTZ NOT NULL,
    sent_at     TIMESTAMPTZ,
    given_up_at TIMESTAMPTZ,
    error       TEXT,
    lease_owner TEXT,
    lease_until TIMESTAMPTZ,
    UNIQUE (incident_id, channel, action),
    CHECK (sent_at IS NULL OR given_up_at IS NULL),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
CREATE INDEX alert_delivery_due ON alert_delivery (due_at, delivery_id)
    WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX alert_delivery_leased ON alert_delivery (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE INDEX job_runs_failed ON job_runs (finished_at) WHERE status = 'FAILED';
CREATE INDEX canonical_build_failed ON canonical_build (finished_at) WHERE status = 'FAILED';
CREATE INDEX submission_of_feed ON submission (feed, state, received_at);
