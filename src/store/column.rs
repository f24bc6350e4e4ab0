//! How identifiers, times and states stand in columns.

use crate::domain::access::Caller;
use crate::domain::acl::Acl;
use crate::domain::history::Digest;
use crate::domain::id::{Guid, ObjectNo};
use crate::domain::setting::Ages;
use crate::domain::state::{
    Delivery, DriveState, ElementKind, InventoryMethod, LibraryState, OperatorCommand,
    OperatorState, PoolType, RequestState, Selection, SideState, WorkKind, WorkState,
};
use crate::domain::time::{Limit, Span, Time};
use rusqlite::Result;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use uuid::Uuid;

/// Implements both directions for a newtype of `i64`.
macro_rules! integer_column {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.0))
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
    )+};
}

/// Implements both directions for a closed set of words: the column holds the number. An unknown number is an error.
macro_rules! word_column {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.number()))
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let number = value.as_i64()?;
                Self::from_number(number).ok_or(FromSqlError::OutOfRange(number))
            }
        }
    )+};
}

integer_column!(ObjectNo, Span, Time);
word_column!(
    Delivery,
    ElementKind,
    LibraryState,
    OperatorCommand,
    OperatorState,
    PoolType,
    RequestState,
    Selection,
    SideState,
    WorkKind,
    WorkState,
    DriveState,
    InventoryMethod
);

impl ToSql for Guid {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(&self.0.as_bytes()[..]))
    }
}

impl FromSql for Guid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        Uuid::from_slice(bytes)
            .map(Self)
            .map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Digest {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(&self.0[..]))
    }
}

impl FromSql for Digest {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.try_into();
        bytes.map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}

/// What stands in a column as JSON, as in the log.
fn json<T: Serialize>(value: &T) -> Result<ToSqlOutput<'_>> {
    let text = serde_json::to_string(value);
    text.map(ToSqlOutput::from)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

impl ToSql for Acl {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        json(self)
    }
}

impl FromSql for Acl {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(FromSqlError::other)
    }
}

impl ToSql for Caller {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        json(self)
    }
}

/// Work that no request asked for names nobody, and is the daemon's.
impl FromSql for Caller {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "" => Ok(Self::daemon()),
            text => serde_json::from_str(text).map_err(FromSqlError::other),
        }
    }
}

/// The words that the file shows.
impl ToSql for Ages {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.to_string()))
    }
}

impl FromSql for Ages {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|_| FromSqlError::InvalidType)
    }
}

/// Milliseconds; no limit is NULL.
impl ToSql for Limit {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Never => ToSqlOutput::from(rusqlite::types::Null),
            Self::Ms(ms) => ToSqlOutput::from(i64::from(*ms)),
        })
    }
}

impl FromSql for Limit {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        if value == ValueRef::Null {
            Ok(Self::Never)
        } else {
            u32::column_result(value).map(Self::Ms)
        }
    }
}
