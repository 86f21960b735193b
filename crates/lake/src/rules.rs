//! Rules in SQL over typed rows: across the columns of a row while it passes through, and over
//! a whole submission once its silver is written.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use contract::{Rule, RuleScope};
use datafusion::common::{DFSchema, ToDFSchema};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::error::is_of_the_values;
use crate::session::read_parquet;
use crate::silver::parquet_keys;
use crate::{Key, LakeError, Objects, SubmissionPlace};

/// The row rules of a contract, compiled for its schema.
#[derive(Debug, Clone)]
pub struct RowRules {
    rules: Vec<(Rule, Arc<dyn PhysicalExpr>)>,
}

/// Some functions (`coalesce`, `current_date`) exist in plans only and are written out in others;
/// `current_date` is the day on which the rules are compiled.
fn simplify(expression: Expr, columns: &DFSchema) -> Result<Expr, DataFusionError> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(columns.clone()))
        .with_current_time()
        .build();
    let simplifier = ExprSimplifier::new(context);
    simplifier.simplify(simplifier.coerce(expression, columns)?)
}

impl RowRules {
    /// Refuses a rule that does not plan over the columns or is not boolean.
    pub fn compile(rules: &[Rule], schema: &SchemaRef) -> Result<Self, LakeError> {
        let context = SessionContext::new();
        let columns: DFSchema = schema
            .clone()
            .to_dfschema()
            .map_err(LakeError::plan("the contract's columns"))?;
        let compile = |rule: &Rule| {
            let subject = format!("rule `{}`", rule.id);
            let compiled = context
                .parse_sql_expr(&rule.sql, &columns)
                .and_then(|expression| simplify(expression, &columns))
                .and_then(|expression| context.create_physical_expr(expression, &columns))
                .map_err(LakeError::plan(&subject))?;
            let kind = compiled
                .data_type(schema)
                .map_err(LakeError::plan(&subject))?;
            require_boolean(subject, &kind)?;
            Ok((rule.clone(), compiled))
        };
        let rules = rules.iter().filter(|rule| rule.scope == RuleScope::Row);
        Ok(Self {
            rules: rules.map(compile).collect::<Result<_, LakeError>>()?,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// For each rule the rows of the batch that break it, in row order. A rule that is null for
    /// a row holds there; one that a row's values make impossible to compute is broken there.
    pub fn broken(&self, batch: &RecordBatch) -> Result<Vec<(&Rule, Vec<usize>)>, LakeError> {
        let check = |(rule, expression): &'_ (Rule, Arc<dyn PhysicalExpr>)| {
            let broken = match broken_rows(expression, batch) {
                Err(error) if is_of_the_values(&error) => broken_row_by_row(expression, batch),
                known => known,
            };
            broken.map_err(LakeError::execution(format!("rule `{}`", rule.id)))
        };
        self.rules
            .iter()
            .map(|rule| Ok((&rule.0, check(rule)?)))
            .collect()
    }
}

fn broken_rows(
    expression: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
) -> Result<Vec<usize>, DataFusionError> {
    let rows = batch.num_rows();
    let holds = expression.evaluate(batch)?.into_array(rows)?;
    let holds = holds.as_boolean();
    let breaks = |row: &usize| holds.is_valid(*row) && !holds.value(*row);
    Ok((0..rows).filter(breaks).collect())
}

/// The engine refuses a whole batch for one row, a division by zero say, and does not tell which.
fn broken_row_by_row(
    expression: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
) -> Result<Vec<usize>, DataFusionError> {
    let mut broken = Vec::new();
    for row in 0..batch.num_rows() {
        match broken_rows(expression, &batch.slice(row, 1)) {
            Ok(none) if none.is_empty() => {}
            Ok(_) => broken.push(row),
            Err(error) if is_of_the_values(&error) => broken.push(row),
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
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

    /// The rules that a submission's accepted rows break, from one pass over its silver. A rule
    /// that the rows make impossible to compute is broken.
    pub async fn broken(
        &self,
        context: &SessionContext,
        objects: &Objects,
        place: &SubmissionPlace,
    ) -> Result<Vec<&Rule>, LakeError> {
        if self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let subject = format!("the file rules of submission {}", place.submission);
        let keys = parquet_keys(objects, &Key::Silver { place }.to_string()).await?;
        if keys.is_empty() {
            self.register_no_rows(context)?;
        } else {
            let rows = read_parquet(context, objects, &keys, &subject).await?;
            context
                .register_table("rows", rows.into_view())
                .map_err(LakeError::plan(&subject))?;
        }
        let broken = match broken_of(context, &self.rules, &subject).await? {
            Some(broken) => broken,
            // One of them fails the query for all; asked alone, each answers for itself.
            None => {
                let mut broken = Vec::new();
                for rule in &self.rules {
                    let alone = broken_of(context, std::slice::from_ref(rule), &subject).await?;
                    if alone.is_none_or(|broken| !broken.is_empty()) {
                        broken.push(rule);
                    }
                }
                broken
            }
        };
        context
            .deregister_table("rows")
            .map_err(LakeError::plan(&subject))?;
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

fn require_boolean(subject: String, kind: &DataType) -> Result<(), LakeError> {
    if *kind == DataType::Boolean {
        return Ok(());
    }
    let problem = format!("it gives {kind}, and a rule must be true, false or null");
    Err(LakeError::Sql { subject, problem })
}
