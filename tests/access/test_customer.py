"""What lies open to a customer's own session."""

from denghuo.access.api import AccessApi
from denghuo.application.api import ApplicationApi
from denghuo.kernel.contract import PUBLIC
from denghuo.main.composition import SERVICES
from denghuo.service.permission.store import delivered_roles

CUSTOMERS = {
    "access": "change_password confirm_totp drop_totp end_session enrol_totp session sessions sign_in sign_out take_post",
    "application": "menus page search",
    "billing": "compare_my_bills day_root my_bill my_bill_document my_bill_file my_bill_so_far my_bills my_readings_file"
    " my_what_if published_errors",
    "customer": "account accounts find_accounts summary",
    "ledger": "balance_limits balance_warnings bills_open estimated_balance fee_balances invoice invoices owed receivables"
    " statement",
    "notice": "inbox mark_read templates",
    "payment": "collection interruptions online_callback order pay_online payments receipt receipt_document sandbox_pay",
    "permission": "organisations",
    "reading": "my_curve_month my_meters my_point_month my_readings_file my_reads report_registers",
}
"""What a customer's session reaches. Before an operation is added here, see that it shows a customer nobody else's records: its
scope is the whole company, so only `Call.sees` and tables with row security on the account hold it to its own."""


def test_a_customers_session_reaches_these_operations_alone() -> None:
    permits = {*delivered_roles()["customer"].permits, PUBLIC}
    reached = {
        contract.noun: sorted(name for name, one in contract.operations().items() if one.permit in permits)
        for contract in (*SERVICES, AccessApi, ApplicationApi)
    }
    assert {noun: " ".join(names) for noun, names in reached.items() if names} == CUSTOMERS
