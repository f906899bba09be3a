-- Credentials, sessions and attempts to sign in. Secrets stand here only as digests, password hashes or sealed.

CREATE TABLE credential (
    user_name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('staff', 'customer')),
    name text NOT NULL,
    org text NOT NULL,
    -- a customer's own accounts; a customer without accounts would see nothing
    accounts text[] NOT NULL DEFAULT '{}' CHECK (kind = 'staff' OR cardinality(accounts) > 0),
    password_hash text NOT NULL,
    must_change boolean NOT NULL DEFAULT false,
    totp bytea,
    totp_confirmed boolean NOT NULL DEFAULT false,
    -- the last time step whose code was used, so that a code works once
    totp_step bigint NOT NULL DEFAULT 0,
    disabled boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL
);

CREATE TABLE session (
    session_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    user_name text NOT NULL REFERENCES credential ON DELETE CASCADE,
    org text,
    address text NOT NULL,
    agent text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text
);
CREATE INDEX session_of_user ON session (user_name, started_at);

-- Unknown names are counted like known ones, so that a wait does not tell which names exist.
CREATE TABLE failure (
    name_digest bytea PRIMARY KEY,
    failures int NOT NULL,
    last_at timestamptz NOT NULL,
    locked_until timestamptz
);

-- What did not succeed; what did is in the journal. An unknown name stays unwritten: people type passwords into that field.
CREATE TABLE attempt (
    attempt_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    user_name text,
    address text NOT NULL,
    agent text NOT NULL,
    trace text NOT NULL,
    outcome text NOT NULL
);
CREATE INDEX attempt_at ON attempt (at);
