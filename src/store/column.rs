//! Columns of a row, by name and type, and the schema version that every row carries.
//! Must not know which row it reads.

use time::OffsetDateTime;

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Properties, Value};

/// The column of the schema version.
pub(super) const VERSION: &str = "v";

/// Reads the columns of one row of one kind.
pub(super) struct Columns<'a> {
    kind: &'static str,
    properties: &'a Properties,
}

impl<'a> Columns<'a> {
    /// Checks the row's schema version first: a row of a later version is not guessed at.
    pub(super) fn open(
        kind: &'static str,
        version_max: i64,
        properties: &'a Properties,
    ) -> PortResult<Self> {
        let columns = Self { kind, properties };
        let version = columns.int(VERSION)?;
        if version < 1 || version > version_max {
            return Err(columns.corrupt(format!(
                "the {kind} row has schema version {version} and this Midwatch reads 1 to \
                 {version_max}: a newer one wrote it, so run that one, or name other tables"
            )));
        }
        Ok(columns)
    }

    pub(super) fn text(&self, name: &str) -> PortResult<String> {
        match self.properties.get(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(self.missing(name)),
        }
    }

    pub(super) fn int(&self, name: &str) -> PortResult<i64> {
        match self.properties.get(name) {
            Some(Value::Int(number)) => Ok(*number),
            _ => Err(self.missing(name)),
        }
    }

    /// A count: an integer that is not negative.
    pub(super) fn count(&self, name: &str) -> PortResult<u64> {
        u64::try_from(self.int(name)?).map_err(|_| self.missing(name))
    }

    pub(super) fn time(&self, name: &str) -> PortResult<OffsetDateTime> {
        match self.properties.get(name) {
            Some(Value::Time(time)) => Ok(*time),
            _ => Err(self.missing(name)),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// An error that says what is wrong with the row.
    pub(super) fn corrupt(&self, cause: impl Into<String>) -> PortError {
        PortError::new(PortErrorKind::Corrupt, "read a row", cause)
    }

    fn missing(&self, name: &str) -> PortError {
        self.corrupt(format!("the {} row has no usable column `{name}`", self.kind))
    }
}

/// A count as a column; what does not fit is kept as the largest that does.
pub(super) fn count(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A time as a column: stores keep hundreds of nanoseconds, so the rest is dropped here.
pub(super) fn time(time: OffsetDateTime) -> Value {
    let whole = time.nanosecond() / 100 * 100;
    Value::Time(time.replace_nanosecond(whole).unwrap_or(time))
}

/// A text as a column.
pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_later_version_is_refused_with_a_sentence() {
        let properties = Properties::from([(VERSION.to_owned(), Value::Int(2))]);
        let error = Columns::open("checkpoint", 1, &properties).err().expect("refused");
        assert_eq!(error.kind, PortErrorKind::Corrupt);
        assert!(error.cause.contains("schema version 2"), "{error}");
    }

    #[test]
    fn a_row_without_a_version_is_corrupt() {
        assert!(Columns::open("checkpoint", 1, &Properties::new()).is_err());
    }

    #[test]
    fn times_are_cut_to_what_a_store_keeps() {
        let exact = OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(123_456_789);
        let kept = OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(123_456_700);
        assert_eq!(time(exact), Value::Time(kept));
    }
}
