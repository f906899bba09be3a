-- Field reading (现场补抄): orders for meters whose reads stayed held, what readers entered on site, and their photos.
CREATE TABLE field_order (
    order_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month text NOT NULL,
    point_no text NOT NULL,
    piece int NOT NULL,
    meter_no text NOT NULL,
    account_no text,
    org text NOT NULL,
    book text NOT NULL,
    place int,
    multiplier bigint NOT NULL,
    integer_digits int NOT NULL,
    decimal_digits int NOT NULL,
    read_at timestamptz NOT NULL,
    -- of each quantity and band: why it is asked for, and what an entry is held against
    channels jsonb NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'entered', 'accepted')),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX field_order_open ON field_order (month, point_no, piece) WHERE state <> 'accepted';
CREATE INDEX field_order_book ON field_order (book) WHERE state <> 'accepted';
ALTER TABLE field_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY field_order_visible ON field_order USING (denghuo.visible(org, ''));

-- Nothing that a reader entered is lost: what does not count is kept with why.
CREATE TABLE field_entry (
    entry_no text PRIMARY KEY,
    order_no int NOT NULL REFERENCES field_order,
    org text NOT NULL,
    reader text NOT NULL,
    shown_as text NOT NULL CHECK (shown_as IN ('frozen', 'current')),
    registers jsonb NOT NULL,
    warnings text[] NOT NULL,
    confirmed boolean NOT NULL,
    reason text,
    photo_no text,
    latitude text,
    longitude text,
    accuracy_m int,
    taken_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('counted', 'superseded', 'older', 'settled', 'clock', 'unconfirmed', 'digits', 'accepted', 'refused')),
    decided_by text,
    decided_at timestamptz,
    remark text,
    CHECK (decided_by IS DISTINCT FROM reader)
);
CREATE UNIQUE INDEX field_entry_counted ON field_entry (order_no) WHERE state = 'counted';
CREATE INDEX field_entry_order ON field_entry (order_no);
ALTER TABLE field_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY field_entry_visible ON field_entry USING (denghuo.visible(org, ''));

CREATE TABLE field_photo (
    photo_no text PRIMARY KEY,
    order_no int NOT NULL REFERENCES field_order,
    org text NOT NULL,
    reader text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    received_at timestamptz NOT NULL
);
ALTER TABLE field_photo ENABLE ROW LEVEL SECURITY;
CREATE POLICY field_photo_visible ON field_photo USING (denghuo.visible(org, ''));
