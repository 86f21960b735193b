//! A synthetic twin of a layout: a file whose rows hold everything that a contract asks of cells
//! and records, but for the defects that were asked for, each of which is told with the row, the
//! column and the rule under which an inspection must reject it.
//!
//! Values mean nothing: syllables, numbers within bounds, codes of the right form. The same
//! contract, rows, defects and seed give the same bytes. Rows are written as they are made, in
//! memory that does not grow with them. Rules in SQL are met as far as keeping dates and amounts
//! in order goes, and no further.

mod announce;
mod breaking;
mod defects;
mod error;
mod forms;
mod json;
mod judge;
mod key;
mod layout;
mod maker;
mod random;
mod rules;
mod shapes;
mod source;
mod typed;
mod window;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::{ColumnType, Contract};

use self::announce::Period;
pub use self::defects::Defects;
use self::defects::Slot;
pub use self::error::TwinError;
use self::key::Keys;
use self::layout::Layout;
use self::maker::{Maker, Standing};
use self::random::Random;
use crate::infer::names;
use crate::plan::Plan;

/// A file that is still to be written.
#[derive(Debug)]
pub struct Twin {
    contract: Contract,
    layout: Layout,
    makers: Vec<Maker>,
    keys: Keys,
    period: Option<Period>,
    /// Columns of numbers of which the first is to be no greater than the second.
    orders: Vec<(usize, usize)>,
    slots: Vec<Slot>,
    rows: u64,
    seed: u64,
}

/// A row that an inspection must reject, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedReject {
    /// 1 is the first row.
    pub row: u64,
    /// `None`: the record as a whole.
    pub column: Option<Arc<str>>,
    pub rule: &'static str,
}

impl Twin {
    /// # Errors
    /// The contract cannot be compiled, a column has no value that holds all that is asked of
    /// it, the natural key has no room for so many rows, or a defect cannot be had.
    pub fn new(
        contract: &Contract,
        rows: u64,
        defects: &Defects,
        seed: u64,
    ) -> Result<Self, TwinError> {
        Plan::compile(contract)?;
        // What the columns are made of must not depend on how many rows are drawn.
        let mut random = Random::new(seed ^ 0x7477_696E);
        let layout = Layout::of(contract)?;
        let period = Period::of(contract)?;
        let makers = makers(contract, &layout, period, &mut random)?;
        let keys = Keys::of(contract, &makers, &layout, rows, &mut random)?;
        let mut twin = Self {
            orders: rules::orders(contract),
            contract: contract.clone(),
            layout,
            makers,
            keys,
            period,
            slots: Vec::new(),
            rows,
            seed,
        };
        let possible = defects::possible(&twin, &mut random);
        twin.slots = defects.slots(&twin, &possible, rows)?;
        Ok(twin)
    }

    /// How many rows there will be.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows an inspection must reject, by the rule that they break.
    pub fn rejects(&self) -> BTreeMap<&'static str, u64> {
        defects::by_rule(&self.slots)
    }
}

fn makers(
    contract: &Contract,
    layout: &Layout,
    period: Option<Period>,
    random: &mut Random,
) -> Result<Vec<Maker>, TwinError> {
    let key = key::key_columns(contract);
    let control = contract.format.control.as_ref();
    let period_column = control.and_then(|control| control.period_column.as_ref());
    let mut rank = 0;
    let mut makers = Vec::with_capacity(contract.columns.len());
    for (at, column) in contract.columns.iter().enumerate() {
        let is_time = matches!(
            column.column_type,
            ColumnType::Date { .. } | ColumnType::Timestamp { .. }
        );
        rank += i128::from(is_time && !names::is_birth_or_death(&column.name));
        let of_period = period.filter(|_| period_column == Some(&column.name));
        let standing = Standing {
            always_there: key.contains(&at) || rules::mention(contract, &column.name),
            period: of_period.map(|period| period.within(&column.column_type)),
            rank,
        };
        makers.push(Maker::new(at, column, standing, layout, random)?);
    }
    Ok(makers)
}
