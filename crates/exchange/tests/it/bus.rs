//! What every bus promises to those above it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use exchange::bus::{Position, Received};

use crate::bus_sides::{Side, message, number, numbers, on_every_bus, receive};

on_every_bus!(
    a_message_arrives_whole,
    messages_of_a_key_arrive_in_order,
    what_was_not_acknowledged_outlives_its_consumer,
    a_consumer_that_is_closed_hands_over_at_once,
    a_rewind_brings_back_what_was_not_acknowledged,
    consumers_of_a_group_share_the_messages,
    an_empty_bus_is_waited_for_and_no_longer,
    a_batch_is_no_larger_than_asked_for,
    what_was_acknowledged_twice_or_not_at_all_is_no_failure,
);

const SOON: Duration = Duration::from_millis(300);

fn positions(received: &[Received]) -> Vec<Position> {
    received
        .iter()
        .map(|received| received.position.clone())
        .collect()
}

async fn a_message_arrives_whole(side: Side) {
    let sent = message(&side.topics[1], "key", 7);
    side.put(std::slice::from_ref(&sent)).await;
    let mut consumer = side.consumer(0);
    let received = receive(&mut consumer, 1).await.remove(0).message;
    assert_eq!((&received.topic, &received.key), (&sent.topic, &sent.key));
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(json(&received.payload), json(&sent.payload));
    assert_eq!(received.header("ce_type"), Some(b"test".as_slice()));
    assert_eq!(received.header("ce_time"), Some(b"now".as_slice()));
    assert_eq!(received.header("absent"), None);
    consumer.close().await.unwrap();
}

async fn messages_of_a_key_arrive_in_order(side: Side) {
    let mut sent = Vec::new();
    for n in 1..=15 {
        for (key, topic) in [("a", 0), ("b", 0), ("c", 1)] {
            sent.push(message(&side.topics[topic], key, n));
        }
    }
    side.put(&sent).await;
    let mut consumer = side.consumer(0);
    let mut seen: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for _ in 0..9 {
        let batch = receive(&mut consumer, 5).await;
        for received in &batch {
            let key = String::from_utf8(received.message.key.to_vec()).unwrap();
            seen.entry(key).or_default().push(number(received));
        }
        consumer.acknowledge(&positions(&batch)).await.unwrap();
    }
    let expected: Vec<_> = (1..=15).collect();
    for key in ["a", "b", "c"] {
        assert_eq!(seen[key], expected, "{key}");
    }
    assert!(consumer.poll(5, SOON).await.unwrap().is_empty());
    consumer.close().await.unwrap();
}

async fn what_was_not_acknowledged_outlives_its_consumer(side: Side) {
    side.put_all("key", 1..=5).await;
    let mut consumer = side.consumer(0);
    let received = receive(&mut consumer, 4).await;
    consumer
        .acknowledge(&positions(&received[..2]))
        .await
        .unwrap();
    drop(consumer);
    let mut another = side.consumer(1);
    assert_eq!(numbers(&receive(&mut another, 3).await), [3, 4, 5]);
    assert!(another.poll(5, SOON).await.unwrap().is_empty());
}

async fn a_consumer_that_is_closed_hands_over_at_once(side: Side) {
    side.put_all("key", 1..=3).await;
    let mut consumer = side.consumer(0);
    let received = receive(&mut consumer, 2).await;
    consumer
        .acknowledge(&positions(&received[..1]))
        .await
        .unwrap();
    consumer.close().await.unwrap();
    let started = Instant::now();
    let mut another = side.consumer(1);
    assert_eq!(numbers(&receive(&mut another, 2).await), [2, 3]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

async fn a_rewind_brings_back_what_was_not_acknowledged(side: Side) {
    side.put_all("key", 1..=4).await;
    let mut consumer = side.consumer(0);
    let received = receive(&mut consumer, 3).await;
    consumer
        .acknowledge(&positions(&received[..1]))
        .await
        .unwrap();
    consumer.rewind().await.unwrap();
    let again = receive(&mut consumer, 3).await;
    assert_eq!(numbers(&again), [2, 3, 4]);
    consumer.acknowledge(&positions(&again)).await.unwrap();
    consumer.rewind().await.unwrap();
    assert!(consumer.poll(5, SOON).await.unwrap().is_empty());
}

async fn consumers_of_a_group_share_the_messages(side: Side) {
    let keys: Vec<_> = (0..40).map(|n| format!("key-{n}")).collect();
    let sent: Vec<_> = (1..)
        .zip(&keys)
        .map(|(n, key)| message(&side.topics[0], key, n))
        .collect();
    let (mut one, mut other) = (side.consumer(0), side.consumer(1));
    side.put(&sent).await;
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen.len() < sent.len() && Instant::now() < deadline {
        let (first, second) = tokio::join!(one.poll(3, SOON), other.poll(3, SOON));
        let (first, second) = (first.unwrap(), second.unwrap());
        seen.extend(numbers(&first));
        seen.extend(numbers(&second));
        one.acknowledge(&positions(&first)).await.unwrap();
        other.acknowledge(&positions(&second)).await.unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
    one.close().await.unwrap();
    other.close().await.unwrap();
}

async fn an_empty_bus_is_waited_for_and_no_longer(side: Side) {
    let mut consumer = side.consumer(0);
    let started = Instant::now();
    assert!(consumer.poll(5, SOON).await.unwrap().is_empty());
    let waited = started.elapsed();
    assert!(
        waited >= SOON && waited < Duration::from_secs(5),
        "{waited:?}"
    );
}

async fn a_batch_is_no_larger_than_asked_for(side: Side) {
    side.put_all("key", 1..=10).await;
    let mut consumer = side.consumer(0);
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let batch = consumer.poll(4, Duration::from_secs(1)).await.unwrap();
        assert!(batch.len() <= 4);
        seen.extend(numbers(&batch));
        consumer.acknowledge(&positions(&batch)).await.unwrap();
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

async fn what_was_acknowledged_twice_or_not_at_all_is_no_failure(side: Side) {
    side.put_all("key", 1..=2).await;
    let mut consumer = side.consumer(0);
    let received = receive(&mut consumer, 2).await;
    consumer.acknowledge(&[]).await.unwrap();
    for _ in 0..2 {
        consumer.acknowledge(&positions(&received)).await.unwrap();
    }
    consumer.close().await.unwrap();
    side.put_all("key", 3..=3).await;
    let mut another = side.consumer(1);
    assert_eq!(numbers(&receive(&mut another, 1).await), [3]);
}
