//! A contract compiled for reading: regular expressions, code tables, bounds, formats, schema.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use contract::{
    Characters, Column, ColumnType, Contract, Delimited, Encoding, FileFormat, FixedWidth, Header,
    Pii, Range, Severity, Shape, Transform,
};

use crate::calendar::MICROSECONDS_PER_DAY;
use crate::cell::starts_of;
use crate::check::{Allowed, Bounds, DomainTable, TextChecks};
use crate::control::ControlPlan;
use crate::error::PlanError;
use crate::fixed_date::FixedDates;
use crate::header::header_key;
use crate::json::Members;
use crate::number::{largest, parse_decimal, parse_integer};
use crate::outcome::Problem;
use crate::pattern::Pattern;
use crate::reason::{CellRule, details, expected_type};
use crate::separators::Separators;
use crate::time_format::TimeFormat;
use crate::unique::UniqueKey;
use crate::value_checks;
use crate::zone::{ZoneReading, instant_in};

/// What every accepted row carries beside the contract's columns, so that it can be traced to
/// its bytes: the file, the row's number (1 is the first after the header), where it begins (in
/// bytes from the file's start, byte-order mark included) and its length without its line end.
pub const LINEAGE_COLUMNS: [&str; 4] = contract::ROW_LINEAGE_COLUMNS;

/// A code longer than this is refused, so that a block's column stays within Arrow's offsets.
const CODE_BYTES_MAX: usize = 4096;

/// A contract compiled. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Plan(Arc<Compiled>);

/// A plan for one file.
#[derive(Debug, Clone)]
pub struct FilePlan {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) source_file: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) format: FileFormat,
    pub(crate) control: ControlPlan,
    pub(crate) columns: Vec<ColumnPlan>,
    /// Of JSON: which members are columns.
    pub(crate) members: Option<Arc<Members>>,
    pub(crate) schema: SchemaRef,
    rule_names: [Arc<str>; CellRule::COUNT],
    pub(crate) unique: Option<UniqueKey>,
}

/// The structural characters of a delimited file of lines where each is one byte, and quotes are
/// doubled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

impl Dialect {
    pub(crate) fn of(format: &Delimited) -> Option<Self> {
        match (
            format.delimiter.as_bytes(),
            &format.record_separator,
            format.escape,
        ) {
            ([delimiter], None, None) => Some(Self {
                delimiter: *delimiter,
                quote: format.quote,
            }),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) name: Arc<str>,
    /// The header name as it is compared.
    pub(crate) header_key: String,
    pub(crate) header: String,
    /// Its other names, as they are compared.
    pub(crate) alias_keys: Vec<String>,
    pub(crate) place: Option<Characters>,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) severity: Severity,
    /// Spellings of "no value" beside the empty one.
    pub(crate) nulls: Vec<Box<[u8]>>,
    /// One bit for each byte that one of them starts with.
    pub(crate) null_starts: [u64; 4],
    pub(crate) trim: bool,
    pub(crate) transforms: Vec<Transform>,
    /// 0 where the contract does not ask.
    pub(crate) zero_pad: usize,
    pub(crate) checks: TextChecks,
    /// Whether the extremes may appear in reports.
    pub(crate) identifies_nobody: bool,
    details: [Arc<str>; CellRule::COUNT],
}

#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Integer {
        allowed: Allowed<i64>,
    },
    Decimal {
        precision: u8,
        scale: u8,
        /// Sent without the point.
        implied: bool,
        allowed: Allowed<i128>,
    },
    Date {
        formats: Vec<TimeFormat>,
        /// The formats once more, where they can be read as numbers.
        fixed: Option<FixedDates>,
        allowed: Allowed<i32>,
    },
    Timestamp {
        formats: Vec<TimeFormat>,
        reading: ZoneReading,
        allowed: Allowed<i64>,
    },
    Boolean {
        truthy: Vec<String>,
        falsy: Vec<String>,
    },
}

impl Plan {
    /// # Errors
    /// The contract asks for what cannot be compiled: a pattern, a format, a bound.
    pub fn compile(contract: &Contract) -> Result<Self, PlanError> {
        let columns = contract
            .columns
            .iter()
            .map(ColumnPlan::compile)
            .collect::<Result<Vec<_>, _>>()?;
        refuse_structure(&contract.format)?;
        let json = matches!(contract.format.shape, Shape::JsonLines | Shape::JsonArray);
        let members = json.then(|| {
            let paths = (contract.columns.iter()).map(|column| column.headers().collect());
            Arc::new(Members::of(&columns, paths))
        });
        let control = ControlPlan::compile(contract.format.control.as_ref(), &contract.columns)
            .map_err(|reason| PlanError::Structure { reason })?;
        if contract.format.header() == Header::ByName {
            refuse_shared_headers(&columns)?;
        }
        let mut fields: Vec<Field> = contract
            .columns
            .iter()
            .map(|column| Field::new(&column.name, arrow_type(&column.column_type), true))
            .collect();
        let [file, row, offset, length] = LINEAGE_COLUMNS;
        fields.push(Field::new(file, DataType::Utf8, false));
        fields.extend([row, offset, length].map(|name| Field::new(name, DataType::Int64, false)));
        Ok(Self(Arc::new(Compiled {
            format: contract.format.clone(),
            control,
            columns,
            members,
            schema: Arc::new(Schema::new(fields)),
            rule_names: CellRule::ALL.map(|rule| rule.name().into()),
            unique: UniqueKey::compile(contract)?,
        })))
    }

    /// The plan for the file of that name, which goes into the lineage column `source_file`.
    pub fn for_file(&self, source_file: &str) -> FilePlan {
        FilePlan {
            compiled: Arc::clone(&self.0),
            source_file: source_file.into(),
        }
    }

    pub(crate) fn compiled(&self) -> Arc<Compiled> {
        Arc::clone(&self.0)
    }

    /// The contract's columns, all nullable, then [`LINEAGE_COLUMNS`], which are not.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }

    /// What the contract says of repeated natural keys, if anything.
    pub(crate) fn unique_key(&self) -> Option<&UniqueKey> {
        self.0.unique.as_ref()
    }
}

impl Compiled {
    pub(crate) fn problem(&self, column: usize, rule: CellRule) -> Problem {
        let plan = &self.columns[column];
        Problem {
            column: Some(Arc::clone(&plan.name)),
            rule: Arc::clone(&self.rule_names[rule as usize]),
            detail: Arc::clone(&plan.details[rule as usize]),
        }
    }
}

impl ColumnPlan {
    fn compile(column: &Column) -> Result<Self, PlanError> {
        let pattern = column
            .pattern
            .as_deref()
            .map(Pattern::compile)
            .transpose()
            .map_err(|error| PlanError::Pattern {
                column: column.name.clone(),
                reason: error.to_string(),
            })?;
        let codes = column
            .domain
            .iter()
            .flat_map(|domain| domain.values.values());
        if codes.into_iter().any(|code| code.len() > CODE_BYTES_MAX) {
            return Err(PlanError::CodeTooLong {
                column: column.name.clone(),
                max: CODE_BYTES_MAX,
            });
        }
        let nulls = column.nulls.iter().filter(|null| !null.is_empty());
        let nulls: Vec<Box<[u8]>> = nulls.map(|null| null.as_bytes().into()).collect();
        Ok(Self {
            name: column.name.as_str().into(),
            header_key: header_key(&column.header),
            header: column.header.clone(),
            alias_keys: column.aliases.iter().map(|name| header_key(name)).collect(),
            place: column.place,
            kind: Kind::compile(column)?,
            required: column.required,
            severity: column.severity,
            null_starts: starts_of(&nulls),
            nulls,
            trim: column.trim,
            transforms: column.transforms.clone(),
            zero_pad: column.zero_pad.unwrap_or(0),
            checks: TextChecks {
                length: column.length,
                pattern,
                domain: column.domain.as_ref().map(DomainTable::compile),
                form: column.check.map(|check| value_checks::entry(check).holds),
            },
            identifies_nobody: column.pii == Pii::None,
            details: details(column),
        })
    }
}

impl Kind {
    fn compile(column: &Column) -> Result<Self, PlanError> {
        Ok(match &column.column_type {
            ColumnType::String => Self::Text,
            ColumnType::Integer => Self::Integer {
                allowed: allowed(column, (i64::MIN, i64::MAX), |text, _| parse_integer(text))?,
            },
            &ColumnType::Decimal { precision, scale } => {
                if !(1..=38).contains(&precision) || scale > precision {
                    let column = column.name.clone();
                    return Err(PlanError::DecimalSize {
                        column,
                        precision,
                        scale,
                    });
                }
                let all = (-largest(precision), largest(precision));
                Self::Decimal {
                    precision,
                    scale,
                    implied: column.implied_decimals,
                    allowed: allowed(column, all, |text, _| parse_decimal(text, precision, scale))?,
                }
            }
            ColumnType::Date { formats } => {
                let formats = compile_formats(column, formats, false)?;
                Self::Date {
                    fixed: FixedDates::of(&formats),
                    formats,
                    allowed: allowed(column, (i32::MIN, i32::MAX), |text, _| {
                        TimeFormat::IsoDate.parse_date(text)
                    })?,
                }
            }
            ColumnType::Timestamp { formats, zoned } => {
                let reading = zone_reading(column, *zoned)?;
                let offset_needed = reading == ZoneReading::Offset;
                let mut allowed = allowed(column, (i64::MIN, i64::MAX), timestamp_bound)?;
                if let ZoneReading::Zone(zone) = reading {
                    // A sentinel is what the file says, by the file's clock.
                    for sentinel in &mut allowed.sentinels {
                        *sentinel = instant_in(zone, *sentinel).unwrap_or(*sentinel);
                    }
                }
                Self::Timestamp {
                    formats: compile_formats(column, formats, offset_needed)?,
                    reading,
                    allowed,
                }
            }
            ColumnType::Boolean { truthy, falsy } => Self::Boolean {
                truthy: truthy.clone(),
                falsy: falsy.clone(),
            },
        })
    }
}

fn zone_reading(column: &Column, zoned: bool) -> Result<ZoneReading, PlanError> {
    Ok(match &column.zone {
        _ if !zoned => ZoneReading::Local,
        None => ZoneReading::Offset,
        Some(name) => ZoneReading::Zone(name.parse().map_err(|_| PlanError::Zone {
            column: column.name.clone(),
            zone: name.clone(),
        })?),
    })
}

/// Which end of a range a bound is: a day as the upper end of timestamps means all of that day.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Lower,
    Upper,
}

fn timestamp_bound(text: &[u8], end: End) -> Option<i64> {
    if let Some(days) = TimeFormat::IsoDate.parse_date(text) {
        let midnight = i64::from(days) * MICROSECONDS_PER_DAY;
        return Some(if end == End::Upper {
            midnight + MICROSECONDS_PER_DAY - 1
        } else {
            midnight
        });
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .filter_map(|format| TimeFormat::compile(format))
        .find_map(|format| format.parse_timestamp(text, false))
        .or_else(|| TimeFormat::compile("%+")?.parse_timestamp(text, true))
}

/// The column's range and sentinels as `parse` reads them.
fn allowed<T: Copy>(
    column: &Column,
    (lowest, highest): (T, T),
    parse: impl Fn(&[u8], End) -> Option<T>,
) -> Result<Allowed<T>, PlanError> {
    let value = |text: &String, end: End| {
        parse(text.as_bytes(), end).ok_or_else(|| PlanError::Bound {
            column: column.name.clone(),
            bound: text.clone(),
            expected: match &column.column_type {
                ColumnType::Date { .. } | ColumnType::Timestamp { .. } => {
                    "a date in %Y-%m-%d".to_owned()
                }
                other => expected_type(other),
            },
        })
    };
    let bound = |side: fn(&Range) -> &Option<String>, end: End, default: T| {
        let given = column.range.as_ref().and_then(|range| side(range).as_ref());
        given.map_or(Ok(default), |text| value(text, end))
    };
    let sentinels = column.sentinels.iter();
    Ok(Allowed {
        range: Bounds {
            min: bound(|range| &range.min, End::Lower, lowest)?,
            max: bound(|range| &range.max, End::Upper, highest)?,
        },
        sentinels: sentinels
            .map(|text| value(text, End::Lower))
            .collect::<Result<_, _>>()?,
    })
}

fn compile_formats(
    column: &Column,
    formats: &[String],
    offset_needed: bool,
) -> Result<Vec<TimeFormat>, PlanError> {
    let what = match &column.column_type {
        ColumnType::Date { .. } => "date",
        _ => "timestamp",
    };
    let compile = |format: &String| {
        let compiled = TimeFormat::compile(format).ok_or_else(|| PlanError::TimeFormat {
            column: column.name.clone(),
            format: format.clone(),
            what,
        })?;
        if offset_needed && !compiled.has_offset() {
            let (column, format) = (column.name.clone(), format.clone());
            return Err(PlanError::NoOffset { column, format });
        }
        Ok(compiled)
    };
    formats.iter().map(compile).collect()
}

/// A record of fixed length is held in memory, as one of any other kind is.
const RECORD_LENGTH_MAX: usize = 1 << 20;

/// What the contract's own review cannot see, or a contract built by hand may have.
fn refuse_structure(format: &FileFormat) -> Result<(), PlanError> {
    let fault = match &format.shape {
        Shape::Delimited(delimited) => Separators::fault(delimited).map(str::to_owned),
        Shape::FixedWidth(FixedWidth {
            record_length: Some(length),
        }) => {
            if !(1..=RECORD_LENGTH_MAX).contains(length) {
                Some(format!("a record has 1 to {RECORD_LENGTH_MAX} characters"))
            } else if format.encoding == Encoding::Auto {
                let reason = "records of a number of characters need one encoding: write it in \
                              place of `auto`";
                Some(reason.to_owned())
            } else {
                None
            }
        }
        Shape::FixedWidth(_) => None,
        Shape::JsonLines | Shape::JsonArray => crate::json::refused(format),
    };
    match fault {
        Some(reason) => Err(PlanError::Structure { reason }),
        None => Ok(()),
    }
}

fn refuse_shared_headers(columns: &[ColumnPlan]) -> Result<(), PlanError> {
    let mut owners = HashMap::new();
    for column in columns {
        let keys = std::iter::once(&column.header_key).chain(&column.alias_keys);
        for key in keys.collect::<BTreeSet<_>>() {
            if let Some(first) = owners.insert(key, column) {
                return Err(PlanError::HeaderTwice {
                    first: first.name.to_string(),
                    second: column.name.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// The Arrow type in which a column of that type is kept.
pub fn arrow_type(column_type: &ColumnType) -> DataType {
    match column_type {
        ColumnType::String => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))
        }
        ColumnType::Date { .. } => DataType::Date32,
        ColumnType::Timestamp { zoned, .. } => {
            DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into()))
        }
        ColumnType::Boolean { .. } => DataType::Boolean,
    }
}
