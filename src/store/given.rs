//! Rows on their way into a statement: `given`, a common table expression of bound values.
//!
//! sqlx pays for each statement, SQLite for each value that it must dig out of JSON. So a batch's rows of one
//! table are bound as values of one statement. Its text depends on their number, so they are padded with empty rows to
//! a power of two: few texts, each prepared once. Every statement skips rows whose first column is NULL.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, FromRow};

/// Rows of one statement: 256 of the widest rows stay far below SQLite's 32,766 variables, and more
/// gain nothing.
const MOST_ROWS: usize = 256;

/// A row that a statement is given: its columns, in the order of its values.
pub(super) trait Row {
    /// The names by which the statement knows its values. The first is never NULL.
    const COLUMNS: &[&str];

    /// Its values, in that order.
    fn bind(self, values: &mut Values);
}

/// The values of a statement.
#[derive(Default)]
pub(super) struct Values {
    bound: SqliteArguments,
    /// Words of the program that were bound before: each is made a text once.
    words: Vec<(&'static str, Arc<str>)>,
}

impl Values {
    fn bind<'t, T>(&mut self, value: T)
    where
        T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        self.bound
            .add(value)
            .expect("text and numbers are encoded as they are");
    }

    fn word(&mut self, word: &'static str) -> Arc<str> {
        let known = self
            .words
            .iter()
            .find(|(known, _)| std::ptr::eq(*known, word));
        if let Some((_, text)) = known {
            return Arc::clone(text);
        }
        let text = Arc::from(word);
        self.words.push((word, Arc::clone(&text)));
        text
    }
}

/// What may stand in a column.
pub(super) trait Value {
    /// Appends it to the values of a statement.
    fn bind(self, values: &mut Values);
}

macro_rules! bound_as_it_is {
    ($($type:ty),+) => { $(
        impl Value for $type {
            fn bind(self, values: &mut Values) {
                values.bind(self);
            }
        }
    )+ };
}
bound_as_it_is!(i64, u32, f64, bool, String, Arc<str>);

impl Value for &'static str {
    fn bind(self, values: &mut Values) {
        let text = values.word(self);
        values.bind(text);
    }
}

impl<T: Value> Value for Option<T> {
    fn bind(self, values: &mut Values) {
        match self {
            Some(value) => value.bind(values),
            None => values.bind(None::<i64>),
        }
    }
}

/// Makes a struct a [`Row`] whose columns are named like its fields.
macro_rules! row {
    ($row:ident: $($field:ident),+ $(,)?) => {
        impl $crate::store::given::Row for $row {
            const COLUMNS: &[&str] = &[$(stringify!($field)),+];

            fn bind(self, values: &mut $crate::store::given::Values) {
                $($crate::store::given::Value::bind(self.$field, values);)+
            }
        }
    };
}
pub(super) use row;

/// Runs `statement`, which reads `given`, for all rows; nothing to write costs nothing.
pub(super) async fn execute<R: Row>(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<R>,
) -> Result<(), sqlx::Error> {
    for (text, values) in statements(statement, rows, |_| statement.to_owned()) {
        sqlx::query_with(AssertSqlSafe(text), values)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Inserts all rows into `table`, whose columns are named like theirs.
pub(super) async fn insert<R: Row>(
    connection: &mut SqliteConnection,
    table: &'static str,
    rows: Vec<R>,
) -> Result<(), sqlx::Error> {
    let statement = |table: &str| {
        let columns = R::COLUMNS.join(", ");
        let first = R::COLUMNS[0];
        format!("INSERT INTO {table} ({columns}) SELECT * FROM given WHERE {first} IS NOT NULL")
    };
    for (text, values) in statements(table, rows, statement) {
        sqlx::query_with(AssertSqlSafe(text), values)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Runs `statement`, which reads `given`, for all rows and returns what it finds.
pub(super) async fn fetch<R: Row, O>(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<R>,
) -> Result<Vec<O>, sqlx::Error>
where
    O: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    let mut found = Vec::new();
    for (text, values) in statements(statement, rows, |_| statement.to_owned()) {
        let query = sqlx::query_as_with(AssertSqlSafe(text), values);
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// The texts and values by which all rows are given to the statement that `make` makes of its `name`.
fn statements<R: Row>(
    name: &'static str,
    rows: Vec<R>,
    make: impl Fn(&'static str) -> String,
) -> Vec<(Arc<str>, SqliteArguments)> {
    let mut statements = Vec::with_capacity(rows.len().div_ceil(MOST_ROWS));
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let size = rows.len().min(MOST_ROWS);
        let mut values = Values::default();
        values.bound.reserve(size * R::COLUMNS.len(), 0);
        rows.by_ref()
            .take(size)
            .for_each(|row| row.bind(&mut values));
        let text = text::<R>(name, size.next_power_of_two(), &make);
        statements.push((text, values.bound));
    }
    statements
}

/// Texts by name and number of rows: a few for each statement, each some kilobytes long.
static TEXTS: LazyLock<Mutex<Texts>> = LazyLock::new(Mutex::default);

type Texts = HashMap<(&'static str, usize), Arc<str>>;

fn text<R: Row>(
    name: &'static str,
    size: usize,
    make: impl Fn(&'static str) -> String,
) -> Arc<str> {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = texts.entry((name, size));
    Arc::clone(known.or_insert_with(|| with_given::<R>(size, &make(name)).into()))
}

/// `statement` behind a `given` of `size` rows. What is not bound is NULL.
fn with_given<R: Row>(size: usize, statement: &str) -> String {
    let holes = vec!["?"; R::COLUMNS.len()].join(",");
    let mut text = format!("WITH given(\"{}\") AS (VALUES ", R::COLUMNS.join("\", \""));
    for row in 0..size {
        let comma = if row == 0 { "" } else { "," };
        write!(text, "{comma}({holes})").expect("a String takes what is written");
    }
    text.push_str(") ");
    text.push_str(statement);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair {
        id: i64,
        word: &'static str,
    }
    row!(Pair: id, word);

    fn pairs(count: i64) -> Vec<Pair> {
        (0..count).map(|id| Pair { id, word: "hello" }).collect()
    }

    #[test]
    fn rows_are_padded_to_a_power_of_two() {
        let select = |_| "SELECT * FROM given".to_owned();
        let (text, values) = statements("pairs", pairs(3), select).remove(0);
        let head = "WITH given(\"id\", \"word\") AS (VALUES (?,?),(?,?),(?,?),(?,?)) ";
        assert_eq!(&*text, format!("{head}SELECT * FROM given"));
        assert_eq!(values.len(), 6);
    }

    #[test]
    fn many_rows_go_in_several_statements_and_none_is_left_out() {
        let none = |_| String::new();
        let given: Vec<usize> = statements("none", pairs(600), none)
            .iter()
            .map(|(_, values)| values.len() / 2)
            .collect();
        assert_eq!(given, [256, 256, 88]);
        assert!(statements("none", pairs(0), none).is_empty());
    }
}
