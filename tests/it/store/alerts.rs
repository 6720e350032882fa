//! Alerts, findings, the newest-first index and the outbox.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use midwatch::adapters::local::table::LocalTables;
use midwatch::model::alert::{Alert, AlertState};
use midwatch::model::ids::{AlertId, ClusterId, FindingId, SessionKey};
use midwatch::model::level::Level;
use midwatch::model::rule::Mode;
use midwatch::ports::error::PortErrorKind;
use midwatch::store::Store;
use midwatch::store::alerts::{Alerts, FINDINGS_PER_SAVE_MAX, Filter, LISTED_MAX, VISITED_MAX};

use super::{Frail, alert, finding, minute, new_store};

/// Every alert of a listing, page by page.
async fn listed(alerts: &Alerts, filter: &Filter, limit: usize) -> Vec<Alert> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = alerts.newest(filter, cursor.as_deref(), limit).await.expect("listed");
        assert!(page.alerts.len() <= limit);
        all.extend(page.alerts);
        cursor = page.cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

async fn fill(store: &Store, count: usize) {
    for n in 0..count {
        store.alerts.save(&alert(n), None, &[]).await.expect("saved");
    }
}

#[tokio::test]
async fn an_alert_and_its_findings_read_back() {
    let (_folder, store) = new_store().await;
    let alert = alert(1);
    let findings: Vec<_> = (0..30).map(|n| finding(&alert, n)).collect();
    store.alerts.save(&alert, None, &findings).await.expect("saved");
    assert_eq!(store.alerts.get(&alert.id).await.expect("read"), Some(alert.clone()));
    let mut read = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = store.alerts.findings(&alert.id, cursor.as_deref(), 7).await.expect("read");
        read.extend(page.findings);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, findings);
    assert_eq!(store.alerts.get(&AlertId::new("newest")).await.expect("read"), None);
}

#[tokio::test]
async fn stored_findings_are_told_from_new_ones() {
    let (_folder, store) = new_store().await;
    let alert = alert(1);
    let findings: Vec<_> = (0..40).map(|n| finding(&alert, n * 2)).collect();
    store.alerts.save(&alert, None, &findings).await.expect("saved");
    let asked: Vec<FindingId> = (0..80).map(|n| finding(&alert, n).id).collect();
    let stored = store.alerts.stored_findings(&alert.id, &asked).await.expect("read");
    let expected: BTreeSet<FindingId> = findings.into_iter().map(|finding| finding.id).collect();
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_full_batch_fits_and_one_finding_more_is_invalid() {
    let (_folder, store) = new_store().await;
    let alert = alert(1);
    let findings: Vec<_> = (0..=FINDINGS_PER_SAVE_MAX).map(|n| finding(&alert, n)).collect();
    let error = store.alerts.save(&alert, None, &findings).await.expect_err("refused");
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert_eq!(store.alerts.get(&alert.id).await.expect("read"), None);
    store.alerts.save(&alert, None, &findings[1..]).await.expect("saved");
}

#[tokio::test]
async fn a_crash_between_index_row_and_batch_leaves_no_ghost() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = LocalTables::open(&folder.path().join("state.redb")).expect("opened");
    let frail = Frail::new(tables.table("alerts"));
    let alerts = Alerts::new(frail.clone());
    alerts.save(&alert(1), None, &[]).await.expect("saved");
    frail.dead.store(true, Ordering::Relaxed);
    alerts.save(&alert(2), None, &[finding(&alert(2), 1)]).await.expect_err("killed");
    frail.dead.store(false, Ordering::Relaxed);
    assert_eq!(listed(&alerts, &Filter::default(), 10).await, [alert(1)]);
    // The replay records it at another time; the index row of the first try stays and is skipped.
    let later = Alert { recorded: minute(90), ..alert(2) };
    alerts.save(&later, None, &[finding(&later, 1)]).await.expect("saved");
    assert_eq!(listed(&alerts, &Filter::default(), 10).await, [later, alert(1)]);
}

#[tokio::test]
async fn of_two_writers_one_has_to_fold_again() {
    let (_folder, store) = new_store().await;
    let first = alert(1);
    store.alerts.save(&first, None, &[finding(&first, 1)]).await.expect("saved");
    let again = store.alerts.save(&first, None, &[finding(&first, 2)]).await;
    assert_eq!(again.expect_err("it exists").kind, PortErrorKind::Conflict);

    let a = store.alerts.load(&first.id).await.expect("read").expect("there");
    let b = store.alerts.load(&first.id).await.expect("read").expect("there");
    let grown = |alert: &Alert| Alert { findings: alert.findings + 1, ..alert.clone() };
    let (by_a, by_b) = (grown(&a.value), grown(&b.value));
    store.alerts.save(&by_a, Some(&a.etag), &[finding(&first, 3)]).await.expect("saved");
    let error = store.alerts.save(&by_b, Some(&b.etag), &[finding(&first, 4)]).await;
    assert_eq!(error.expect_err("it moved on").kind, PortErrorKind::Conflict);
    let ids: Vec<FindingId> = (1..=4).map(|n| finding(&first, n).id).collect();
    let stored = store.alerts.stored_findings(&first.id, &ids).await.expect("read");
    assert_eq!(stored, BTreeSet::from([ids[0].clone(), ids[2].clone()]), "nothing of the loser");

    let b = store.alerts.load(&first.id).await.expect("read").expect("there");
    store.alerts.save(&grown(&b.value), Some(&b.etag), &[finding(&first, 4)]).await.expect("saved");
    let stored = store.alerts.get(&first.id).await.expect("read").expect("there");
    assert_eq!(stored.findings, 3);
    let double = store.alerts.load(&first.id).await.expect("read").expect("there");
    let error = store.alerts.save(&by_a, Some(&double.etag), &[finding(&first, 4)]).await;
    assert_eq!(error.expect_err("stored already").kind, PortErrorKind::Conflict);
}

#[tokio::test]
async fn three_hundred_alerts_are_listed_newest_first_by_any_filter_and_page_size() {
    let (_folder, store) = new_store().await;
    fill(&store, 300).await;
    let newest_first: Vec<Alert> = (0..300).rev().map(alert).collect();
    let filters = [
        Filter::default(),
        Filter { cluster: Some(ClusterId::new("PROD2")), ..Filter::default() },
        Filter { level_min: Some(Level::High), ..Filter::default() },
        Filter { rule: Some("secret_read".to_owned()), ..Filter::default() },
        Filter { state: Some(AlertState::Investigating), ..Filter::default() },
        Filter { mode: Some(Mode::Duet), ..Filter::default() },
        Filter {
            cluster: Some(ClusterId::new("prod1")),
            level_min: Some(Level::Medium),
            rule: Some("pod_exec".to_owned()),
            state: Some(AlertState::Open),
            mode: Some(Mode::On),
            session: Some(alert(0).actor.session),
        },
        Filter { session: Some(SessionKey::new("other")), ..Filter::default() },
        Filter { rule: Some("nothing".to_owned()), ..Filter::default() },
    ];
    for filter in filters {
        let expected: Vec<&Alert> = newest_first
            .iter()
            .filter(|alert| {
                filter.cluster.as_ref().is_none_or(|cluster| alert.cluster == *cluster)
                    && filter.level_min.is_none_or(|level| alert.level >= level)
                    && filter.rule.as_ref().is_none_or(|rule| alert.rule.name == *rule)
                    && filter.state.is_none_or(|state| alert.state == state)
                    && filter.mode.is_none_or(|mode| alert.rule.mode == mode)
                    && filter.session.as_ref().is_none_or(|one| alert.actor.session == *one)
            })
            .collect();
        for limit in [1, 10, 50, 100, LISTED_MAX] {
            let alerts = listed(&store.alerts, &filter, limit).await;
            assert!(alerts.iter().eq(expected.iter().copied()), "{filter:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_page_ends_exactly_where_the_alerts_end() {
    let (_folder, store) = new_store().await;
    fill(&store, 20).await;
    let page = store.alerts.newest(&Filter::default(), None, 20).await.expect("listed");
    assert_eq!((page.alerts.len(), page.cursor), (20, None));
    let page = store.alerts.newest(&Filter::default(), None, 19).await.expect("listed");
    let rest = store.alerts.newest(&Filter::default(), page.cursor.as_deref(), 19).await;
    assert_eq!(rest.expect("listed").alerts, [alert(0)]);
}

#[tokio::test]
async fn a_cursor_is_not_disturbed_by_what_is_recorded_meanwhile() {
    let (_folder, store) = new_store().await;
    fill(&store, 10).await;
    let first = store.alerts.newest(&Filter::default(), None, 4).await.expect("listed");
    store.alerts.save(&alert(11), None, &[]).await.expect("saved");
    let next = store.alerts.newest(&Filter::default(), first.cursor.as_deref(), 100).await;
    let next = next.expect("listed").alerts;
    assert_eq!(next, (0..6).rev().map(alert).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listing_visits_a_bounded_part_and_goes_on_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = LocalTables::open(&folder.path().join("state.redb")).expect("opened");
    let frail = Frail::new(tables.table("alerts"));
    let alerts = Alerts::new(frail.clone());
    for n in 0..VISITED_MAX + 50 {
        alerts.save(&alert(n), None, &[]).await.expect("saved");
    }
    frail.rows_given.store(0, Ordering::Relaxed);
    let nothing = Filter { rule: Some("nothing".to_owned()), ..Filter::default() };
    let page = alerts.newest(&nothing, None, 10).await.expect("listed");
    assert_eq!(page.alerts, []);
    assert_eq!(frail.rows_given.load(Ordering::Relaxed), VISITED_MAX);
    let cursor = page.cursor.expect("there is more");
    let page = alerts.newest(&nothing, Some(&cursor), 10).await.expect("listed");
    assert_eq!((page.alerts.len(), page.cursor), (0, None));
    assert_eq!(frail.rows_given.load(Ordering::Relaxed), VISITED_MAX + 50);
}

#[tokio::test]
async fn a_cursor_of_somebody_else_is_invalid() {
    let (_folder, store) = new_store().await;
    for cursor in ["", "x", "' or RowKey ge '", "123-abc", &"9".repeat(600)] {
        let error = store.alerts.newest(&Filter::default(), Some(cursor), 10).await;
        assert_eq!(error.expect_err("refused").kind, PortErrorKind::Invalid, "{cursor:?}");
    }
}

#[tokio::test]
async fn a_mark_is_made_once_and_a_renewed_one_stays() {
    let (_folder, store) = new_store().await;
    let (a, b) = (alert(1).id, alert(2).id);
    for id in [&a, &b, &a, &a] {
        store.outbox.mark(id).await.expect("marked");
    }
    let marks = store.outbox.pending(10).await.expect("read");
    assert_eq!(marks.iter().map(|mark| &mark.alert).collect::<Vec<_>>(), [&a, &b]);
    assert_eq!(store.outbox.pending(1).await.expect("read").len(), 1);
    store.outbox.mark(&a).await.expect("renewed");
    assert!(!store.outbox.clear(&marks[0]).await.expect("asked"), "something new to tell");
    assert!(store.outbox.clear(&marks[1]).await.expect("cleared"));
    assert!(!store.outbox.clear(&marks[1]).await.expect("cleared already"));
    let mark = store.outbox.get(&a).await.expect("read").expect("there");
    assert_eq!(store.outbox.pending(10).await.expect("read"), std::slice::from_ref(&mark));
    assert!(store.outbox.clear(&mark).await.expect("cleared"));
    assert_eq!(store.outbox.pending(10).await.expect("read"), []);
}
