//! The known ways in which rows are broken, each with what a validator must say about it.
//!
//! Left out, because not every rival can be asked for them: check digits, bytes that are no UTF-8,
//! text after a closing quote, a quote that nothing closes.

/// The column whose text is replaced, the text as it stands in the file, and the broken rule.
pub(crate) struct Edit {
    pub(crate) column: usize,
    pub(crate) text: &'static str,
    pub(crate) rule: &'static str,
}

pub(crate) enum Broken {
    Cells(&'static [Edit]),
    /// The record ends after that many fields.
    CutTo(usize),
    /// A field too many at the end.
    Surplus,
}

const fn edit(column: usize, text: &'static str, rule: &'static str) -> Edit {
    Edit { column, text, rule }
}

/// Columns by their place in `claims.yaml`.
pub(crate) mod column {
    pub(crate) const LINE_NUMBER: usize = 1;
    pub(crate) const CLAIM_STATUS: usize = 3;
    pub(crate) const MEMBER_ID: usize = 4;
    pub(crate) const BIRTH_DATE: usize = 7;
    pub(crate) const SEX: usize = 8;
    pub(crate) const MEMBER_ZIP: usize = 9;
    pub(crate) const FROM_DATE: usize = 14;
    pub(crate) const THRU_DATE: usize = 15;
    pub(crate) const PAID_DATE: usize = 16;
    pub(crate) const BILLING_NAME: usize = 23;
    pub(crate) const RENDERING_NPI: usize = 24;
    pub(crate) const DIAGNOSIS_PRINCIPAL: usize = 26;
    pub(crate) const PROCEDURE_CODE: usize = 29;
    pub(crate) const UNITS: usize = 33;
    pub(crate) const CHARGED_AMOUNT: usize = 34;
    pub(crate) const PAID_AMOUNT: usize = 36;
    pub(crate) const NOTE: usize = 38;
    pub(crate) const IN_NETWORK: usize = 39;
}

use column as c;

/// Every way is as likely as any other.
pub(crate) static WAYS: [Broken; 24] = [
    Broken::Cells(&[edit(c::MEMBER_ID, "", "required")]),
    Broken::Cells(&[edit(c::FROM_DATE, "", "required")]),
    Broken::Cells(&[edit(c::PAID_AMOUNT, "", "required")]),
    Broken::Cells(&[edit(c::BIRTH_DATE, "1985-02-30", "type")]),
    Broken::Cells(&[edit(c::FROM_DATE, "13/45/2025", "type")]),
    Broken::Cells(&[edit(c::THRU_DATE, "unknown", "type")]),
    Broken::Cells(&[edit(c::PAID_DATE, "2025-1l-03", "type")]),
    Broken::Cells(&[edit(c::PAID_AMOUNT, "12.5O", "type")]),
    Broken::Cells(&[edit(c::CHARGED_AMOUNT, "\"1,234.50\"", "type")]),
    Broken::Cells(&[edit(c::CHARGED_AMOUNT, "$99.00", "type")]),
    Broken::Cells(&[edit(c::UNITS, "1O", "type")]),
    Broken::Cells(&[edit(c::IN_NETWORK, "?", "type")]),
    Broken::Cells(&[edit(c::SEX, "X", "domain")]),
    Broken::Cells(&[edit(c::CLAIM_STATUS, "99", "domain")]),
    Broken::Cells(&[edit(c::MEMBER_ID, "M0000000000000017", "length")]),
    Broken::Cells(&[edit(
        c::BILLING_NAME,
        "\"A name that goes on, and on, and on, until no register would hold it\"",
        "length",
    )]),
    Broken::Cells(&[edit(c::DIAGNOSIS_PRINCIPAL, "0123", "pattern")]),
    Broken::Cells(&[edit(c::MEMBER_ZIP, "9810", "pattern")]),
    Broken::Cells(&[edit(c::RENDERING_NPI, "3456789012", "pattern")]),
    Broken::Cells(&[edit(c::LINE_NUMBER, "1000", "range")]),
    Broken::Cells(&[edit(c::BIRTH_DATE, "01/01/1850", "range")]),
    Broken::Cells(&[
        edit(c::SEX, "7", "domain"),
        edit(c::PROCEDURE_CODE, "99", "pattern"),
        edit(c::PAID_AMOUNT, "n/a", "type"),
    ]),
    Broken::CutTo(37),
    Broken::Surplus,
];
