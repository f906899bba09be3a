-- Published errors of forecasts (预测误差公布): shares of a month's sample by tariff class, '' = all classes, in 0.01 %. They are for
-- everybody and hold nothing of an account, so no row of them is hidden.
CREATE TABLE forecast_error (
    month text NOT NULL,
    day int NOT NULL,
    tariff_class text NOT NULL,
    accounts int NOT NULL,
    median_e2 bigint NOT NULL,
    ninth_e2 bigint NOT NULL,
    within_e2 bigint NOT NULL,
    bias_e2 bigint NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (month, day, tariff_class)
);
