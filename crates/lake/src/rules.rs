//! Rules in SQL over typed rows: across the columns of a row while it passes through, and over
//! a whole submission once its silver is written. What is counted of rows and judged at a file's
//! end is in `measures`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use contract::{Contract, Rule, RuleScope, Severity};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::col;
use datafusion::prelude::SessionContext;

use crate::error::is_of_the_values;
use crate::session::{read_parquet, session};
use crate::silver::parquet_keys;
use crate::{Key, LakeError, Objects, SubmissionPlace, WrittenRows};

use crate::conditions::{Condition, Conditions, require_boolean};

/// The rules by which a contract judges single rows, compiled for its schema.
#[derive(Debug, Clone)]
pub struct RowRules {
    rules: Vec<(RowRule, Compiled)>,
}

/// What a row is judged by.
#[derive(Debug, Clone)]
pub enum RowRule {
    /// A rule of the contract without a threshold.
    Of(Box<Rule>),
    /// A column that is required under a condition.
    RequiredWhen {
        column: String,
        condition: String,
        severity: Severity,
    },
}

#[derive(Debug, Clone)]
struct Compiled {
    /// The rows that the rule is about; none: all.
    about: Option<Condition>,
    holds: Condition,
}

impl RowRules {
    /// Refuses a rule that does not plan over the columns or is not boolean.
    pub fn compile(contract: &Contract, schema: &SchemaRef) -> Result<Self, LakeError> {
        let conditions = Conditions::over(schema)?;
        let mut rules = Vec::new();
        for column in &contract.columns {
            let Some(condition) = &column.required_when else {
                continue;
            };
            let subject = format!("`required_when` of column `{}`", column.name);
            let when = conditions.parse(&subject, condition)?;
            // Asked in this order, a row with a value holds whatever the condition comes to.
            let holds = col(column.name.as_str())
                .is_not_null()
                .or(when.is_not_true());
            let rule = RowRule::RequiredWhen {
                column: column.name.clone(),
                condition: condition.clone(),
                severity: column.severity,
            };
            let holds = conditions.compile_expression(&subject, holds)?;
            rules.push((rule, Compiled { about: None, holds }));
        }
        for rule in contract.rules.iter().filter(|rule| judges_rows(rule)) {
            let compiled = Compiled {
                about: conditions.denominator(rule)?,
                holds: conditions.compile(&format!("rule `{}`", rule.id), &rule.sql)?,
            };
            rules.push((RowRule::Of(Box::new(rule.clone())), compiled));
        }
        Ok(Self { rules })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// For each rule the rows of the batch that break it, in row order. A rule that is null for
    /// a row holds there; one that a row's values make impossible to compute is broken there.
    pub fn broken(&self, batch: &RecordBatch) -> Result<Vec<(&RowRule, Vec<usize>)>, LakeError> {
        let mut told = Vec::with_capacity(self.rules.len());
        for (rule, compiled) in &self.rules {
            let mut broken = compiled.holds.broken(batch)?;
            if let Some(about) = &compiled.about {
                broken = &broken & &about.met(batch)?;
            }
            told.push((rule, broken.set_indices().collect()));
        }
        Ok(told)
    }
}

fn judges_rows(rule: &Rule) -> bool {
    rule.scope == RuleScope::Row && rule.threshold.is_none()
}

/// The whole-file rules of a contract: boolean expressions with aggregates over all rows.
#[derive(Debug, Clone)]
pub struct FileRules {
    rules: Vec<Rule>,
    schema: SchemaRef,
}

impl FileRules {
    /// Refuses a rule that does not plan as an aggregate over the columns or is not boolean.
    pub async fn compile(rules: &[Rule], schema: &SchemaRef) -> Result<Self, LakeError> {
        let rules = rules
            .iter()
            .filter(|rule| rule.scope == RuleScope::File)
            .cloned()
            .collect();
        let compiled = Self {
            rules,
            schema: schema.clone(),
        };
        if compiled.rules.is_empty() {
            return Ok(compiled);
        }
        let context = SessionContext::new();
        compiled.register_no_rows(&context)?;
        for rule in &compiled.rules {
            let subject = format!("rule `{}`", rule.id);
            let plan = context
                .sql(&format!("SELECT ({}) AS holds FROM rows", rule.sql))
                .await
                .map_err(LakeError::plan(&subject))?;
            require_boolean(subject.clone(), plan.schema().field(0).data_type())?;
            // An aggregate answers even where there are no rows.
            let answers = plan.collect().await;
            if answers.is_ok_and(|batches| batches.iter().all(|batch| batch.num_rows() == 0)) {
                let problem =
                    "a rule about the whole file needs aggregates: it speaks of single rows";
                return Err(LakeError::Sql {
                    subject,
                    problem: problem.into(),
                });
            }
        }
        Ok(compiled)
    }

    fn register_no_rows(&self, context: &SessionContext) -> Result<(), LakeError> {
        let table = MemTable::try_new(self.schema.clone(), vec![vec![]])
            .map_err(LakeError::plan("the contract's columns"))?;
        context
            .register_table("rows", Arc::new(table))
            .map_err(LakeError::plan("table `rows`"))?;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that a submission's accepted rows break, from one pass over its silver. A rule
    /// that the rows make impossible to compute is broken.
    pub async fn broken_by(
        &self,
        objects: &Objects,
        place: &SubmissionPlace,
    ) -> Result<Vec<&Rule>, LakeError> {
        let subject = format!("the file rules of submission {}", place.submission);
        let keys = parquet_keys(objects, &Key::Silver { place }.to_string()).await?;
        self.broken(objects, &keys, &subject).await
    }

    /// The same of the accepted rows of one file, written as Parquet.
    pub async fn broken_by_file(&self, file: &WrittenRows) -> Result<Vec<&Rule>, LakeError> {
        let (objects, key) = file.objects();
        let keys = [key.to_owned()];
        self.broken(objects, &keys, "the file rules").await
    }

    async fn broken(
        &self,
        objects: &Objects,
        keys: &[String],
        subject: &str,
    ) -> Result<Vec<&Rule>, LakeError> {
        if self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let context = session(objects)?;
        if keys.is_empty() {
            self.register_no_rows(&context)?;
        } else {
            let rows = read_parquet(&context, objects, keys, subject).await?;
            context
                .register_table("rows", rows.into_view())
                .map_err(LakeError::plan(subject))?;
        }
        if let Some(broken) = broken_of(&context, &self.rules, subject).await? {
            return Ok(broken);
        }
        // One of them fails the query for all; asked alone, each answers for itself.
        let mut broken = Vec::new();
        for rule in &self.rules {
            let alone = broken_of(&context, std::slice::from_ref(rule), subject).await?;
            if alone.is_none_or(|broken| !broken.is_empty()) {
                broken.push(rule);
            }
        }
        Ok(broken)
    }
}

/// Which of the rules the table `rows` breaks; `None` where its values fail the query.
async fn broken_of<'a>(
    context: &SessionContext,
    rules: &'a [Rule],
    subject: &str,
) -> Result<Option<Vec<&'a Rule>>, LakeError> {
    let columns: Vec<String> = rules
        .iter()
        .map(|rule| format!("({}) AS \"{}\"", rule.sql, rule.id))
        .collect();
    let query = context
        .sql(&format!("SELECT {} FROM rows", columns.join(", ")))
        .await
        .map_err(LakeError::plan(subject))?;
    let answer = match query.collect().await {
        Ok(answer) => answer,
        Err(error) if is_of_the_values(&error) => return Ok(None),
        Err(error) => return Err(LakeError::execution(subject)(error)),
    };
    let Some(row) = answer.iter().find(|batch| batch.num_rows() > 0) else {
        return Err(LakeError::Sql {
            subject: subject.to_owned(),
            problem: "no answer: use aggregates".into(),
        });
    };
    let is_broken = |index: usize| {
        let holds = row.column(index).as_boolean();
        holds.is_valid(0) && !holds.value(0)
    };
    let named = rules.iter().enumerate();
    let broken = named.filter(|(index, _)| is_broken(*index));
    Ok(Some(broken.map(|(_, rule)| rule).collect()))
}
