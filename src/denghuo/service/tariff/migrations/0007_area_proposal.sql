-- A price area of a unit that one person proposed: it holds once another one publishes it.

CREATE TABLE area_proposal (
    proposal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text NOT NULL,
    area text,
    from_day date NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz
);
CREATE UNIQUE INDEX area_proposal_open ON area_proposal (org, from_day) WHERE state = 'draft';
