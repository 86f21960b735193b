//! A contract in the forms that other people and programs read.

mod json_schema;
mod markdown;
mod sql;

use crate::Contract;

impl Contract {
    /// A JSON Schema (draft 2020-12) of one row as an object.
    pub fn to_json_schema(&self) -> String {
        json_schema::write(self)
    }

    /// A page for the submitter: what to send, column by column.
    pub fn to_markdown(&self) -> String {
        markdown::write(self)
    }

    /// `CREATE TABLE` and comments, as Postgres understands them.
    pub fn to_sql(&self) -> String {
        sql::write(self)
    }
}
