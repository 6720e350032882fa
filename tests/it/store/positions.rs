//! Checkpoints, known clusters, and what a restart keeps.

use midwatch::model::checkpoint::{BlobRef, Checkpoint, Lease, Totals};
use midwatch::model::ids::ClusterId;
use midwatch::ports::error::PortErrorKind;
use midwatch::store::alerts::Filter;
use midwatch::store::clusters::KnownCluster;

use super::{alert, finding, minute, new_store, open};

const CONTAINER: &str = "insights-logs-kube-audit";

fn blob(name: &str) -> BlobRef {
    BlobRef {
        account: "shoplogs".to_owned(),
        container: CONTAINER.to_owned(),
        name: name.to_owned(),
    }
}

fn at(offset: u64) -> Checkpoint {
    let totals = Totals { records: offset / 10, evaluated: offset / 10, ..Totals::default() };
    let lease = Some(Lease { owner: "o'brien".to_owned(), until: minute(1) });
    Checkpoint { generation: 2, offset, length_seen: offset, totals, lease }
}

fn known(cluster: &str, first: i64, last: i64) -> KnownCluster {
    KnownCluster {
        cluster: ClusterId::new(cluster),
        account: "shoplogs".to_owned(),
        container: CONTAINER.to_owned(),
        blob_prefix: format!("resourceId=/{}", cluster.to_uppercase()),
        first_seen: minute(first),
        last_seen: minute(last),
    }
}

#[tokio::test]
async fn a_checkpoint_moves_only_under_its_etag() {
    let (_folder, store) = new_store().await;
    let blob = blob("resourceId=/SUBSCRIPTIONS/S/y=2026/m=03/d=09/h=14/m=00/PT1H.json");
    assert_eq!(store.checkpoints.load(&blob).await.expect("read"), None);
    let first = store.checkpoints.create(&blob, &at(10)).await.expect("created");
    let again = store.checkpoints.create(&blob, &at(20)).await.expect_err("refused");
    assert_eq!(again.kind, PortErrorKind::Conflict);
    let second = store.checkpoints.save(&blob, &at(20), &first).await.expect("saved");
    let stale = store.checkpoints.save(&blob, &at(30), &first).await.expect_err("refused");
    assert_eq!(stale.kind, PortErrorKind::Conflict);
    let stored = store.checkpoints.load(&blob).await.expect("read").expect("there");
    assert_eq!((stored.value, stored.etag), (at(20), second));
}

#[tokio::test]
async fn checkpoints_are_listed_by_prefix() {
    let (_folder, store) = new_store().await;
    let names = [
        "r=/PROD1/y=2026/h=01/PT1H.json",
        "r=/PROD1/y=2026/h=02/PT1H.json",
        "r=/PROD10/y=2026/h=01/PT1H.json",
        "r=/PROD2/y=2026/h=01/PT1H.json",
    ];
    for (n, name) in (1..).zip(names) {
        store.checkpoints.create(&blob(name), &at(n)).await.expect("created");
    }
    let elsewhere = BlobRef { container: "other".to_owned(), ..blob(names[0]) };
    store.checkpoints.create(&elsewhere, &at(9)).await.expect("created");
    let check = [
        ("r=/PROD1/", 2),
        ("r=/PROD1", 3),
        ("r=/PROD1/y=2026/h=02/", 1),
        ("", 4),
        ("x", 0),
        (names[3], 1),
    ];
    for (prefix, count) in check {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = store
                .checkpoints
                .list("shoplogs", CONTAINER, prefix, 2, cursor.as_deref())
                .await
                .expect("listed");
            found.extend(page.checkpoints.into_iter().map(|(blob, _)| blob.name));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), count, "{prefix}: {found:?}");
        assert!(found.iter().all(|name| name.starts_with(prefix)));
    }
}

#[tokio::test]
async fn a_cluster_is_remembered_once_and_its_times_only_widen() {
    let (_folder, store) = new_store().await;
    for (first, last) in [(5, 5), (9, 9), (7, 7), (2, 3), (9, 9)] {
        store.clusters.remember(&known("prod1", first, last)).await.expect("remembered");
    }
    store.clusters.remember(&known("prod2", 1, 1)).await.expect("remembered");
    let all = store.clusters.all().await.expect("read");
    assert_eq!(all, [known("prod1", 2, 9), known("prod2", 1, 1)]);
}

#[tokio::test]
async fn many_who_remember_a_cluster_at_once_all_succeed() {
    let (_folder, store) = new_store().await;
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.clusters.remember(&known("prod1", n, n)).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("ran").expect("remembered");
    }
    assert_eq!(store.clusters.all().await.expect("read"), [known("prod1", 0, 3)]);
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.redb");
    let blob = blob("a/b");
    let etag = {
        let store = open(&file);
        store.ensure().await.expect("created");
        store.alerts.save(&alert(1), None, &[finding(&alert(1), 1)]).await.expect("saved");
        store.outbox.mark(&alert(1).id).await.expect("marked");
        store.clusters.remember(&known("prod1", 1, 2)).await.expect("remembered");
        store.checkpoints.create(&blob, &at(10)).await.expect("created")
    };
    let store = open(&file);
    store.ensure().await.expect("nothing to do");
    let page = store.alerts.newest(&Filter::default(), None, 10).await.expect("listed");
    assert_eq!(page.alerts, [alert(1)]);
    let findings = store.alerts.findings(&alert(1).id, None, 10).await.expect("read");
    assert_eq!(findings.findings, [finding(&alert(1), 1)]);
    assert_eq!(store.outbox.pending(10).await.expect("read").len(), 1);
    assert_eq!(store.clusters.all().await.expect("read"), [known("prod1", 1, 2)]);
    store.checkpoints.save(&blob, &at(20), &etag).await.expect("the ETag still holds");
}
