//! Natural keys that no two rows share: one column of the key counts where it has room for all
//! rows, otherwise all of its columns do, like the wheels of an odometer.

use contract::Contract;

use super::error::TwinError;
use super::layout::Layout;
use super::maker::{Maker, Value};
use super::random::Random;
use super::source::Enumeration;

/// Values of one column that are kept, where the whole key counts.
const WHEEL_MAX: u128 = 65_536;

#[derive(Debug)]
pub(super) enum Keys {
    /// Nothing is asked, or nothing can be had and the contract does not insist.
    Free,
    Carrier {
        column: usize,
        values: Enumeration,
    },
    Odometer(Vec<(usize, Vec<Value>)>),
}

impl Keys {
    pub(super) fn of(
        contract: &Contract,
        makers: &[Maker],
        layout: &Layout,
        rows: u64,
        random: &mut Random,
    ) -> Result<Self, TwinError> {
        let columns = key_columns(contract);
        if columns.is_empty() {
            return Ok(Self::Free);
        }
        let enumerations: Vec<(usize, Enumeration)> = (columns.iter())
            .filter_map(|&at| Some((at, makers[at].enumeration(layout, random)?)))
            .collect();
        let best = enumerations.iter().max_by_key(|(_, values)| values.room());
        // Not every text that is counted holds.
        let wanted = u128::from(rows).saturating_mul(2);
        if let Some((column, values)) = best.filter(|(_, values)| values.room() >= wanted) {
            return Ok(Self::Carrier {
                column: *column,
                values: values.clone(),
            });
        }
        let wheel = |(at, values): &(usize, Enumeration)| {
            let texts = (0..values.room().min(WHEEL_MAX))
                .map(|number| values.nth(&makers[*at].judge, number));
            let held = texts
                .flatten()
                .filter_map(|text| makers[*at].holds(layout, text));
            (*at, held.collect::<Vec<_>>())
        };
        let wheels: Vec<_> = enumerations.iter().map(wheel).collect();
        let wheels: Vec<_> = wheels
            .into_iter()
            .filter(|(_, held)| !held.is_empty())
            .collect();
        let room = wheels.iter().fold(1u128, |room, (_, held)| {
            room.saturating_mul(held.len() as u128)
        });
        if room >= u128::from(rows) {
            Ok(Self::Odometer(wheels))
        } else if contract.unique.is_none() {
            Ok(Self::Free)
        } else {
            Err(TwinError::KeyRoom {
                columns: contract.natural_key.join(", "),
                room,
                rows,
            })
        }
    }

    /// Puts the next key into a row. `next`: how many were tried before.
    pub(super) fn fill(
        &self,
        makers: &[Maker],
        layout: &Layout,
        next: &mut u128,
        row: &mut [Value],
    ) -> Result<(), TwinError> {
        match self {
            Self::Free => Ok(()),
            Self::Carrier { column, values } => {
                let maker = &makers[*column];
                while *next < values.room() {
                    let number = *next;
                    *next += 1;
                    let text = values.nth(&maker.judge, number);
                    let value = text.and_then(|text| maker.holds(layout, text));
                    // A time that comes twice on the clock is another than was meant.
                    let meant = values.number(number);
                    let value = value.filter(|value| meant.is_none_or(|one| one == value.number));
                    if let Some(value) = value {
                        row[*column] = value;
                        return Ok(());
                    }
                }
                Err(TwinError::KeyRoom {
                    columns: maker.name.clone(),
                    room: values.room(),
                    rows: u64::try_from(*next).unwrap_or(u64::MAX),
                })
            }
            Self::Odometer(wheels) => {
                let mut rest = *next;
                *next += 1;
                for (column, held) in wheels {
                    row[*column] = held[(rest % held.len() as u128) as usize].clone();
                    rest /= held.len() as u128;
                }
                Ok(())
            }
        }
    }
}

/// The natural key, by its columns' places in the contract.
pub(super) fn key_columns(contract: &Contract) -> Vec<usize> {
    let place = |name: &String| contract.columns.iter().position(|one| one.name == *name);
    contract.natural_key.iter().filter_map(place).collect()
}
