//! Which defects are asked for: `required:paid=5,domain=1%,too_few_fields=3,all=1%`, and how they
//! are spread over the rows.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::Twin;
use super::breaking::{self, Misshape};
use super::error::TwinError;
use super::random::Random;
use super::source::RowContext;
use crate::reason::CellRule;

/// What is asked for, as it was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Defects(Vec<Asked>);

#[derive(Debug, Clone, PartialEq)]
struct Asked {
    part: String,
    rule: String,
    column: Option<String>,
    amount: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Amount {
    Rows(u64),
    Percent(f64),
}

impl Amount {
    /// A percentage that is asked for is at least one row.
    fn rows(self, of: u64) -> u64 {
        match self {
            Self::Rows(rows) => rows,
            Self::Percent(percent) if percent > 0.0 => {
                ((of as f64 * percent / 100.0).round() as u64).max(1)
            }
            Self::Percent(_) => 0,
        }
    }
}

impl FromStr for Defects {
    type Err = TwinError;

    fn from_str(text: &str) -> Result<Self, TwinError> {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(asked).collect::<Result<_, _>>().map(Self)
    }
}

fn asked(part: &str) -> Result<Asked, TwinError> {
    let wrong = |reason: &str| TwinError::Defect {
        part: part.to_owned(),
        reason: reason.to_owned(),
    };
    let form = "write RULE=COUNT or RULE:COLUMN=COUNT, where COUNT is a number of rows or a \
                percentage of them: `required:paid_amount=5`, `type=0.5%`, `all=1%`";
    let (what, amount) = part.split_once('=').ok_or_else(|| wrong(form))?;
    let amount = match amount.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().map(Amount::Percent),
        None => amount.trim().parse().ok().map(Amount::Rows),
    };
    let usual = |amount: &Amount| match amount {
        Amount::Percent(percent) => (0.0..=100.0).contains(percent),
        Amount::Rows(_) => true,
    };
    let amount = amount.filter(usual).ok_or_else(|| wrong(form))?;
    let (rule, column) = match what.split_once(':') {
        Some((rule, column)) => (rule, Some(column.trim().to_owned())),
        None => (what, None),
    };
    Ok(Asked {
        part: part.to_owned(),
        rule: rule.trim().to_owned(),
        column,
        amount,
    })
}

/// One kind of defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Cell(CellRule),
    /// Text after a closing quote.
    Quote,
    Record(Misshape),
    /// A natural key that stood before.
    Unique,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cell(rule) => rule.name(),
            Self::Quote => "quote",
            Self::Record(misshape) => misshape.name(),
            Self::Unique => "unique",
        }
    }

    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Record(misshape) => misshape.rule(),
            other => other.name(),
        }
    }
}

/// A kind of defect, where it may be, and how many of it are still to come.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    /// Empty where the record as a whole is broken.
    pub(super) columns: Vec<usize>,
    pub(super) left: u64,
    pub(super) next: usize,
}

/// Every kind that the contract can have, with the columns where it can be had alone.
pub(super) fn possible(twin: &Twin, random: &mut Random) -> Vec<Slot> {
    let row = RowContext { moment: 0 };
    let mut slots = Vec::new();
    let mut add = |kind, columns| {
        slots.push(Slot {
            kind,
            columns,
            left: 0,
            next: 0,
        });
    };
    for rule in CellRule::ALL {
        let columns = twin.contract.columns.iter().enumerate();
        let rejects = columns.filter(|(_, column)| {
            rule.always_rejects() || column.severity > contract::Severity::Warn
        });
        let can = |at: &usize| breaking::cell(twin, rule, *at, row, random).is_some();
        let columns: Vec<usize> = rejects.map(|(at, _)| at).filter(can).collect();
        if !columns.is_empty() {
            add(Kind::Cell(rule), columns);
        }
    }
    if breaking::quote_cell(&twin.layout).is_some() {
        add(Kind::Quote, (0..twin.makers.len()).collect());
    }
    for misshape in Misshape::ALL {
        if misshape.is_possible(twin) {
            add(Kind::Record(misshape), Vec::new());
        }
    }
    let rejects = twin.contract.unique > Some(contract::Severity::Warn);
    if rejects && !twin.contract.natural_key.is_empty() {
        add(Kind::Unique, Vec::new());
    }
    slots
}

impl Defects {
    /// What is asked for, as kinds and numbers of rows.
    pub(super) fn slots(
        &self,
        twin: &Twin,
        possible: &[Slot],
        rows: u64,
    ) -> Result<Vec<Slot>, TwinError> {
        let mut slots: Vec<Slot> = Vec::new();
        for asked in &self.0 {
            let count = asked.amount.rows(rows);
            if asked.rule == "all" && asked.column.is_none() {
                slots.extend(spread(possible, count));
            } else {
                slots.push(Slot {
                    left: count,
                    ..asked.slot(twin, possible)?
                });
            }
        }
        slots.retain(|slot| slot.left > 0);
        let total: u64 = slots
            .iter()
            .fold(0, |sum, slot| sum.saturating_add(slot.left));
        let repeats = slots.iter().any(|slot| slot.kind == Kind::Unique);
        let room = rows.saturating_sub(u64::from(repeats));
        if total > room {
            let reason = match repeats {
                true => "a row has one defect, and a repeated key needs a row that it repeats",
                false => "a row has one defect",
            };
            return Err(TwinError::TooMany {
                asked: total,
                rows,
                reason,
            });
        }
        Ok(slots)
    }
}

/// The same number of each, the first ones of the rest.
fn spread(possible: &[Slot], count: u64) -> impl Iterator<Item = Slot> {
    let kinds = possible.len().max(1) as u64;
    (0u64..).zip(possible).map(move |(at, slot)| Slot {
        left: count / kinds + u64::from(at < count % kinds),
        ..slot.clone()
    })
}

impl Asked {
    fn slot(&self, twin: &Twin, possible: &[Slot]) -> Result<Slot, TwinError> {
        let wrong = |reason: String| TwinError::Defect {
            part: self.part.clone(),
            reason,
        };
        let found = possible.iter().find(|slot| slot.kind.name() == self.rule);
        let slot = found.ok_or_else(|| {
            let kinds: Vec<&str> = possible.iter().map(|slot| slot.kind.name()).collect();
            wrong(format!(
                "files of this contract can have `all` or {}",
                kinds.join(", ")
            ))
        })?;
        let Some(name) = &self.column else {
            return Ok(slot.clone());
        };
        let at = slot
            .columns
            .iter()
            .find(|at| twin.makers[**at].name == *name);
        let Some(&at) = at else {
            let columns: Vec<&str> = (slot.columns.iter())
                .map(|at| twin.makers[*at].name.as_str())
                .collect();
            return Err(wrong(match columns[..] {
                [] => format!("`{}` is of a record, not of a column", self.rule),
                _ => format!(
                    "the columns that can break `{}` alone, and whose rows are then rejected, \
                     are {}",
                    self.rule,
                    columns.join(", ")
                ),
            }));
        };
        Ok(Slot {
            columns: vec![at],
            ..slot.clone()
        })
    }
}

/// Hands out the defects over the rows, each row with the same chance, in memory that does not
/// grow with them (selection sampling: Knuth, "The Art of Computer Programming", 3.4.2).
#[derive(Debug)]
pub(super) struct Dealer {
    slots: Vec<Slot>,
    rows_left: u64,
    defects_left: u64,
}

impl Dealer {
    pub(super) fn new(slots: &[Slot], rows: u64) -> Self {
        Self {
            slots: slots.to_vec(),
            rows_left: rows,
            defects_left: slots.iter().map(|slot| slot.left).sum(),
        }
    }

    /// The next row's defect, if it has one. `repeatable`: a row was accepted before.
    pub(super) fn next(
        &mut self,
        repeatable: bool,
        random: &mut Random,
    ) -> Option<(Kind, Option<usize>)> {
        let rows = self.rows_left;
        self.rows_left -= 1;
        let takes = random.below(rows.into()) < u128::from(self.defects_left);
        let waits = |slot: &Slot| slot.kind == Kind::Unique && slot.left > 0;
        let must_be_good = !repeatable && self.slots.iter().any(waits);
        if !takes || must_be_good {
            return None;
        }
        let mut nth = random.below(self.defects_left.into()) as u64;
        let slot = self.slots.iter_mut().find(|slot| {
            let here = nth < slot.left;
            nth -= slot.left.min(nth);
            here
        })?;
        slot.left -= 1;
        self.defects_left -= 1;
        let column = slot.columns.get(slot.next % slot.columns.len().max(1));
        slot.next += 1;
        Some((slot.kind, column.copied()))
    }
}

/// How many defects of each kind, by the rule that they break.
pub(super) fn by_rule(slots: &[Slot]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for slot in slots {
        *counts.entry(slot.kind.rule()).or_default() += slot.left;
    }
    counts
}
