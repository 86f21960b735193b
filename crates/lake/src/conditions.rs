//! Boolean SQL expressions over a batch of typed rows, compiled once.
//!
//! The engine refuses a whole batch for one row, a division by zero say, and does not tell which;
//! the rows are then asked one by one, and each use says what such a row counts as.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, SchemaRef};
use contract::Rule;
use datafusion::common::{DFSchema, ToDFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::LakeError;
use crate::error::is_of_the_values;

/// Expressions are planned over columns alone. To set a session up costs more than to plan most of a
/// contract's rules, so all contracts share one.
static PLANNING: LazyLock<SessionContext> = LazyLock::new(SessionContext::new);

/// Compiles expressions over one schema.
pub(crate) struct Conditions<'a> {
    context: SessionContext,
    schema: &'a SchemaRef,
    columns: DFSchema,
}

/// A boolean expression over the columns.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// For errors.
    subject: String,
    expression: Arc<dyn PhysicalExpr>,
}

impl<'a> Conditions<'a> {
    pub(crate) fn over(schema: &'a SchemaRef) -> Result<Self, LakeError> {
        let columns = schema
            .clone()
            .to_dfschema()
            .map_err(LakeError::plan("the contract's columns"))?;
        Ok(Self {
            context: PLANNING.clone(),
            schema,
            columns,
        })
    }

    /// Refuses what does not plan over the columns or is not boolean.
    pub(crate) fn compile(&self, subject: &str, sql: &str) -> Result<Condition, LakeError> {
        let expression = self.parse(subject, sql)?;
        self.compile_expression(subject, expression)
    }

    /// The rows that a rule is about, if it says so.
    pub(crate) fn denominator(&self, rule: &Rule) -> Result<Option<Condition>, LakeError> {
        let subject = format!("the denominator of rule `{}`", rule.id);
        let sql = rule.denominator.as_ref();
        sql.map(|sql| self.compile(&subject, sql)).transpose()
    }

    /// A boolean expression that may become part of another.
    pub(crate) fn parse(&self, subject: &str, sql: &str) -> Result<Expr, LakeError> {
        let parsed = self.context.parse_sql_expr(sql, &self.columns);
        let expression = parsed.map_err(LakeError::plan(subject))?;
        self.compile_expression(subject, expression.clone())?;
        Ok(expression)
    }

    pub(crate) fn compile_expression(
        &self,
        subject: &str,
        expression: Expr,
    ) -> Result<Condition, LakeError> {
        let compiled = self
            .simplify(expression)
            .and_then(|simple| self.context.create_physical_expr(simple, &self.columns))
            .map_err(LakeError::plan(subject))?;
        let kind = compiled
            .data_type(self.schema)
            .map_err(LakeError::plan(subject))?;
        require_boolean(subject, &kind)?;
        Ok(Condition {
            subject: subject.to_owned(),
            expression: compiled,
        })
    }

    /// Some functions (`coalesce`, `current_date`) exist in plans only and are written out in
    /// others; `current_date` is the day on which the rules are compiled.
    fn simplify(&self, expression: Expr) -> Result<Expr, DataFusionError> {
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(self.columns.clone()))
            .with_current_time()
            .build();
        let simplifier = ExprSimplifier::new(context);
        simplifier.simplify(simplifier.coerce(expression, &self.columns)?)
    }
}

impl Condition {
    /// The rows where it is false, or cannot be computed from the row's values.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Result<BooleanBuffer, LakeError> {
        self.rows(batch, |holds| {
            let values = !holds.values();
            match holds.nulls() {
                Some(known) => &values & known.inner(),
                None => values,
            }
        })
    }

    /// The rows where it is true, or cannot be computed from the row's values.
    pub(crate) fn met(&self, batch: &RecordBatch) -> Result<BooleanBuffer, LakeError> {
        self.rows(batch, |holds| match holds.nulls() {
            Some(known) => holds.values() & known.inner(),
            None => holds.values().clone(),
        })
    }

    fn rows(
        &self,
        batch: &RecordBatch,
        choose: impl Fn(&BooleanArray) -> BooleanBuffer,
    ) -> Result<BooleanBuffer, LakeError> {
        let chosen = match self.evaluate(batch) {
            Ok(holds) => Ok(choose(&holds)),
            Err(error) if is_of_the_values(&error) => {
                let row = |at| match self.evaluate(&batch.slice(at, 1)) {
                    Ok(holds) => Ok(choose(&holds).value(0)),
                    Err(error) if is_of_the_values(&error) => Ok(true),
                    Err(error) => Err(error),
                };
                (0..batch.num_rows()).map(row).collect()
            }
            Err(error) => Err(error),
        };
        chosen.map_err(LakeError::execution(&self.subject))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray, DataFusionError> {
        let holds = self.expression.evaluate(batch)?;
        let holds = holds.into_array(batch.num_rows())?;
        Ok(holds.as_boolean().clone())
    }
}

pub(crate) fn require_boolean(subject: impl ToString, kind: &DataType) -> Result<(), LakeError> {
    if *kind == DataType::Boolean {
        return Ok(());
    }
    let problem = format!("it gives {kind}, and a rule must be true, false or null");
    Err(LakeError::Sql {
        subject: subject.to_string(),
        problem,
    })
}
