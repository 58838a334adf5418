//! The event record, looked up as CloudTrail's is.

use super::*;
use crate::model::{Code, command::LookupAttribute};

fn look_up(attributes: &[(&str, &str)]) -> LookupEvents {
    let attributes = attributes.iter();
    LookupEvents {
        lookup_attributes: attributes
            .map(|(key, value)| LookupAttribute {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
        ..LookupEvents::default()
    }
}

impl Bench {
    async fn found(&self, wanted: LookupEvents) -> (Vec<u64>, Option<String>) {
        match self.ok(Command::LookupEvents(wanted)).await {
            Answer::Events(page) => {
                let seqs = page.events.iter().map(|event| event.seq).collect();
                (seqs, page.next_token)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn events_are_looked_up_by_what_cloudtrail_looks_them_up_by() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    bench.subnet(&vpc.id, "10.1.1.0/24").await;
    bench.refused(create_subnet(&vpc.id, "10.1.1.0/24")).await;
    bench.ok(Command::DescribeVpcs(Default::default())).await;
    let found = |attributes: &'static [(&str, &str)]| bench.found(look_up(attributes));
    assert_eq!(found(&[("EventId", "2")]).await.0, [2]);
    assert_eq!(found(&[("EventName", "CreateSubnet")]).await.0, [3, 2]);
    assert_eq!(found(&[("ReadOnly", "true")]).await.0, [4]);
    assert_eq!(
        found(&[("ReadOnly", "false"), ("Username", "anna")])
            .await
            .0,
        [3, 2, 1]
    );
    assert_eq!(found(&[("Username", "nobody")]).await.0, [0; 0]);
    let by_name = look_up(&[("ResourceName", vpc.id.as_str())]);
    assert_eq!(bench.found(by_name).await.0, [1]);
    for wrong in [
        &[("EventSource", "ec2")][..],
        &[("EventId", "first")],
        &[("ReadOnly", "perhaps")],
        &[("Username", "")],
        &[("Username", "a"), ("Username", "b")],
    ] {
        let refusal = bench.refused(Command::LookupEvents(look_up(wrong))).await;
        assert_eq!(
            refusal.field.as_deref(),
            Some("LookupAttributes"),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn events_are_paged_and_cut_by_time() {
    let bench = Bench::new().await;
    for n in 1..=5 {
        bench.vpc(&format!("10.{n}.0.0/16")).await;
    }
    let events = bench.events().await;
    let page = |next_token| LookupEvents {
        max_results: Some(2),
        next_token,
        ..LookupEvents::default()
    };
    let (first, next) = bench.found(page(None)).await;
    let (second, next) = bench.found(page(next)).await;
    let (third, end) = bench.found(page(next)).await;
    assert_eq!([first, second, third].concat(), [5, 4, 3, 2, 1]);
    assert_eq!(end, None);
    let between = |start: &jiff::Timestamp, end: &jiff::Timestamp| LookupEvents {
        start_time: Some(start.to_string()),
        end_time: Some(end.to_string()),
        ..LookupEvents::default()
    };
    let (newest, oldest) = (&events[0].at, &events[4].at);
    assert_eq!(bench.found(between(oldest, newest)).await.0.len(), 5);
    assert!(
        bench
            .found(between(newest, newest))
            .await
            .0
            .starts_with(&[5])
    );
    let refusal = bench
        .refused(Command::LookupEvents(page(Some("x".to_owned()))))
        .await;
    assert_eq!(refusal.code, Code::InvalidPaginationToken);
    let refusal = bench.refused(Command::LookupEvents(LookupEvents {
        start_time: Some("2026-11-26T12:00:00Z".to_owned()),
        end_time: Some("2026-11-26T11:00:00Z".to_owned()),
        ..LookupEvents::default()
    }));
    assert_eq!(refusal.await.code, Code::InvalidParameterCombination);
    let refusal = bench.refused(Command::LookupEvents(LookupEvents {
        start_time: Some("yesterday".to_owned()),
        ..LookupEvents::default()
    }));
    assert_eq!(refusal.await.field.as_deref(), Some("StartTime"));
}
