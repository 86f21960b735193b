//! The `WHERE` of a filter: only what is asked for is said, so that an index can serve it.

use crate::value::{Value, list};

#[derive(Default)]
pub(super) struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds the condition where there is a value, which stands for its `?`.
    pub(super) fn add<T: Into<Value>>(&mut self, condition: &str, value: Option<T>) {
        if let Some(value) = value {
            let place = self.bind(value);
            self.conditions.push(condition.replace('?', &place));
        }
    }

    /// Adds that the column is one of the items, where they are given. `each` is the dialect's.
    pub(super) fn add_each<T: ToString>(
        &mut self,
        column: &str,
        items: Option<&[T]>,
        each: impl Fn(usize) -> String,
    ) {
        if let Some(items) = items {
            self.values.push(list(items.iter().map(T::to_string)));
            let members = each(self.values.len());
            self.require(format!("{column} IN {members}"));
        }
    }

    pub(super) fn require(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// Binds a value; the place where it stands.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub(super) fn sql(&self) -> String {
        if self.conditions.is_empty() {
            "TRUE".to_owned()
        } else {
            self.conditions.join(" AND ")
        }
    }

    pub(super) fn values(self) -> Vec<Value> {
        self.values
    }
}
