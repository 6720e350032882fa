//! What every table must do, as one suite that every adapter passes. Each check works in its own
//! partitions, so the suite runs against a table that holds other things.

use std::sync::Arc;

use futures::future::BoxFuture;
use midwatch::adapters::local::table::LocalTables;
use midwatch::ports::error::{PortErrorKind, PortResult};
use midwatch::ports::table::{Etag, Key, Properties, Range, Row, Table, Value, Write};

mod batches;
mod keys;
mod rows;
mod scans;
mod values;

/// Runs every check and reports all that failed, by name.
pub(crate) async fn run(table: Arc<dyn Table>) {
    run_except(table, &[]).await;
}

/// Runs every check but these; who names one says why.
pub(crate) async fn run_except(table: Arc<dyn Table>, except: &[&str]) {
    table.ensure().await.expect("the table is created");
    table.ensure().await.expect("creating it again changes nothing");
    let (mut held, mut failed) = (0, Vec::new());
    for (name, check) in checks(&table) {
        if except.contains(&name) {
            continue;
        }
        match tokio::spawn(check).await {
            Ok(()) => held += 1,
            Err(_) => failed.push(name),
        }
    }
    assert!(failed.is_empty(), "{held} checks hold, these do not: {failed:#?}");
}

type Checks = Vec<(&'static str, BoxFuture<'static, ()>)>;

/// Every check with its name and a partition of its own.
fn checks(table: &Arc<dyn Table>) -> Checks {
    macro_rules! named {
        ($($module:ident :: $name:ident),* $(,)?) => {
            vec![$({
                let name = concat!(stringify!($module), "::", stringify!($name));
                let partition = concat!("contract-", stringify!($module), "-", stringify!($name));
                let table = Arc::clone(table);
                let probe = Probe { table, partition: partition.to_owned() };
                let check: BoxFuture<'static, ()> = Box::pin($module::$name(probe));
                (name, check)
            }),*]
        };
    }
    named![
        rows::a_row_that_was_never_written_is_none,
        rows::a_row_is_inserted_once,
        rows::a_replace_needs_the_current_etag,
        rows::a_replace_drops_what_it_does_not_name,
        rows::a_replace_of_a_missing_row_is_a_conflict,
        rows::an_upsert_writes_whatever_is_there,
        rows::a_delete_with_a_stale_etag_is_a_conflict,
        rows::a_delete_without_an_etag_is_done_even_when_nothing_is_there,
        rows::a_row_made_anew_has_a_new_etag,
        rows::of_many_writers_under_one_etag_one_wins,
        batches::a_batch_is_all_or_nothing,
        batches::a_batch_with_a_stale_etag_changes_nothing,
        batches::a_batch_of_a_hundred_fits_and_of_more_does_not,
        batches::a_batch_over_two_partitions_is_invalid,
        batches::a_batch_with_one_key_twice_is_invalid,
        batches::a_batch_mixes_its_operations,
        batches::a_batch_of_one_is_a_batch,
        batches::a_batch_takes_large_rows,
        keys::every_key_finds_its_own_row,
        keys::every_partition_keeps_its_own_row,
        keys::odd_keys_go_through_a_batch,
        keys::odd_keys_bound_a_scan,
        keys::no_key_reads_as_a_query,
        values::every_type_reads_back_as_it_was,
        values::extremes_read_back_as_they_were,
        values::text_reads_back_as_it_was,
        values::times_keep_a_hundred_nanoseconds,
        values::a_property_of_64_kib_fits_and_one_more_does_not,
        values::text_is_measured_in_utf16_units,
        values::so_many_properties_fit_and_one_more_does_not,
        values::an_int_does_not_become_a_time_or_a_text,
        scans::an_empty_partition_is_an_empty_page,
        scans::rows_come_in_key_order,
        scans::twelve_hundred_rows_come_in_pages,
        scans::a_range_has_its_first_row_and_not_its_last,
        scans::a_range_goes_on_after_a_page,
        scans::a_scan_keeps_to_its_partition,
        scans::a_continuation_is_fit_for_a_link,
        scans::a_scan_gives_etags_that_hold,
    ]
}

/// A table and the partition that a check may use.
pub(super) struct Probe {
    pub(super) table: Arc<dyn Table>,
    pub(super) partition: String,
}

impl Probe {
    pub(super) fn key(&self, row: &str) -> Key {
        Key { partition: self.partition.clone(), row: row.to_owned() }
    }

    pub(super) fn insert(&self, row: &str, number: i64) -> Write {
        Write::Insert { key: self.key(row), properties: number_row(number) }
    }

    pub(super) async fn insert_now(&self, row: &str, number: i64) -> Etag {
        self.table.write(self.insert(row, number)).await.expect("inserted").expect("an ETag")
    }

    pub(super) async fn get(&self, row: &str) -> Option<Row> {
        self.table.get(&self.key(row)).await.expect("read")
    }

    /// The number in a row that [`Self::insert`] wrote.
    pub(super) async fn number(&self, row: &str) -> Option<i64> {
        self.get(row).await.map(|row| match row.properties.get("number") {
            Some(Value::Int(number)) => *number,
            other => panic!("not a number: {other:?}"),
        })
    }

    /// Inserts rows in batches of a hundred.
    pub(super) async fn fill(&self, rows: &[String]) {
        for chunk in rows.chunks(100) {
            let writes = chunk.iter().map(|row| self.insert(row, 1)).collect();
            self.table.batch(writes).await.expect("filled");
        }
    }

    /// Every row key of a range, page by page.
    pub(super) async fn row_keys(&self, range: &Range, limit: usize) -> Vec<String> {
        let mut keys = Vec::new();
        let mut continuation: Option<String> = None;
        loop {
            let page = self
                .table
                .scan(&self.partition, range, limit, continuation.as_deref())
                .await
                .expect("scanned");
            assert!(page.rows.len() <= limit, "{} rows on a page of {limit}", page.rows.len());
            keys.extend(page.rows.into_iter().map(|row| row.key.row));
            continuation = page.continuation;
            if continuation.is_none() {
                return keys;
            }
        }
    }
}

pub(super) fn number_row(number: i64) -> Properties {
    Properties::from([("number".to_owned(), Value::Int(number))])
}

pub(super) fn kind_of<T: std::fmt::Debug>(result: PortResult<T>) -> PortErrorKind {
    result.expect_err("refused").kind
}

#[tokio::test]
async fn redb_passes_the_table_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = LocalTables::open(&folder.path().join("state.redb")).expect("opened");
    run(tables.table("contract")).await;
}
