-- What stands beside the service schemas: the functions that row-level security policies call.
-- A policy reads: USING (denghuo.visible(org, account_no)) or USING (denghuo.in_scope(org)).
-- The settings are made by Work for each transaction; where they are missing nothing is visible.
-- Both are a CASE, of which the planner takes half of a table to be seen. Of the comparisons with settings by themselves it takes one
-- row to be seen, and walks through the whole of another table for each row of the first.

CREATE SCHEMA IF NOT EXISTS denghuo;

CREATE OR REPLACE FUNCTION denghuo.in_scope(org text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN current_setting('denghuo.scope', true) = '*'
        -- Each unit ends with a dot, so that 1405810.1 does not reach 1405810.10.
        OR (org || '.') ^@ ANY (string_to_array(nullif(current_setting('denghuo.scope', true), ''), ','))
    THEN true ELSE false END;

CREATE OR REPLACE FUNCTION denghuo.visible(org text, account_no text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN denghuo.in_scope(org)
        AND (coalesce(current_setting('denghuo.accounts', true), '') = ''
             OR account_no = ANY (string_to_array(current_setting('denghuo.accounts', true), ',')))
    THEN true ELSE false END;

-- The filter of lists: whether a unit is another one or lies below it. Without a unit to compare with, all are.
CREATE OR REPLACE FUNCTION denghuo.of_unit(org text, unit text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN unit IS NULL OR (org || '.') ^@ (unit || '.');

GRANT USAGE ON SCHEMA denghuo TO PUBLIC;
