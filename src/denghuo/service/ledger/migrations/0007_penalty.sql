-- The penalty charge of breach and theft (违约使用电费) is no price of energy: it has an account of its own. What is charged again for
-- the energy itself (追补电费) stays with the adjustments. Entries that were posted before stay as they are; the books never change.
INSERT INTO chart (code, zh, en, kind, use) VALUES
    ('605102', '违约使用电费收入', 'Penalty charges', 'income', 'penalty');

-- Lines of a bill that go elsewhere than the account of their group.
CREATE TABLE line_account (
    line_code text PRIMARY KEY,
    use text NOT NULL REFERENCES chart (use)
);
INSERT INTO line_account (line_code, use) VALUES ('breach_penalty', 'penalty'), ('theft_penalty', 'penalty');
