//! What only Kafka can do to us: brokers that go away, groups that are dealt anew.

use std::time::{Duration, Instant};

use exchange::bus::{Bus, BusError, Consumer};
use rdkafka::types::RDKafkaRespErr;
use store::Owner;

use crate::bus_broker::{Broker, a_topic};
use crate::bus_sides::{Database, message, number, numbers, receive};

async fn consumer(bus: &Bus, topic: &str) -> Consumer {
    let database = Database::sqlite().await;
    let topics = [topic.to_owned()];
    let owner = Owner::this_process();
    bus.consumer(&database.store, &owner, "group", &topics)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_was_away_loses_nothing() {
    let (broker, topic) = (Broker::mock(), a_topic());
    let bus = Bus::Kafka(broker.settings_with(&[("delivery.timeout.ms", "1500")]));
    let producer = bus.producer().unwrap().unwrap();
    let mut consumer = consumer(&bus, &topic).await;
    let send = async |number| {
        producer
            .send(&[message(&topic, "key", number)])
            .await
            .remove(0)
    };
    send(1).await.unwrap();
    let received = receive(&mut consumer, 1).await;
    broker.goes_away();
    let away = send(2).await.unwrap_err();
    assert!(away.is_transient(), "{away}");
    let nothing = consumer.poll(1, Duration::from_millis(300)).await.unwrap();
    assert!(nothing.is_empty(), "an absent broker is as an empty one");
    broker.comes_back();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = send(2).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    // The first attempt may have arrived after all.
    assert_eq!(number(&receive(&mut consumer, 1).await[0]), 2);
    consumer
        .acknowledge(&[received[0].position.clone()])
        .await
        .unwrap();
    producer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_answers_with_errors_gets_each_message_once() {
    let (broker, topic) = (Broker::mock(), a_topic());
    let bus = Bus::Kafka(broker.settings_with(&[("retry.backoff.ms", "20")]));
    let producer = bus.producer().unwrap().unwrap();
    broker.fails_to_append(&[
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    ]);
    let sent: Vec<_> = (1..=10).map(|n| message(&topic, "key", n)).collect();
    for result in producer.send(&sent).await {
        result.unwrap();
    }
    let mut consumer = consumer(&bus, &topic).await;
    let received = receive(&mut consumer, 10).await;
    assert_eq!(numbers(&received), (1..=10).collect::<Vec<_>>());
    let more = consumer.poll(1, Duration::from_millis(300)).await.unwrap();
    assert!(more.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_no_broker_takes_holds_back_no_other() {
    let (broker, topic) = (Broker::mock(), a_topic());
    let bus = Bus::Kafka(broker.settings_with(&[("message.max.bytes", "2000")]));
    let producer = bus.producer().unwrap().unwrap();
    let mut large = message(&topic, "large", 1);
    large.payload = vec![b' '; 5_000].into();
    let results = producer.send(&[large, message(&topic, "small", 2)]).await;
    assert!(
        matches!(results[0], Err(BusError::Refused(_))),
        "{results:?}"
    );
    assert!(results[1].is_ok());
}

/// The offset that Kafka keeps is one number: what lies behind a gap waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_behind_a_gap_is_not_committed() {
    let (broker, topic) = (Broker::any(), a_topic());
    let bus = Bus::Kafka(broker.settings());
    let producer = bus.producer().unwrap().unwrap();
    let sent: Vec<_> = (1..=3).map(|n| message(&topic, "key", n)).collect();
    for result in producer.send(&sent).await {
        result.unwrap();
    }
    let mut first = consumer(&bus, &topic).await;
    let received = receive(&mut first, 3).await;
    let beyond = [received[1].position.clone(), received[2].position.clone()];
    first.acknowledge(&beyond).await.unwrap();
    drop(first);
    let mut second = consumer(&bus, &topic).await;
    assert_eq!(numbers(&receive(&mut second, 3).await), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rebalance_took_away_is_not_acknowledged_by_its_former_owner() {
    let (broker, topic) = (Broker::any(), a_topic());
    let bus = Bus::Kafka(broker.settings());
    let producer = bus.producer().unwrap().unwrap();
    let sent: Vec<_> = (0..40)
        .map(|n| message(&topic, &format!("key-{n}"), n))
        .collect();
    for result in producer.send(&sent).await {
        result.unwrap();
    }
    let mut former = consumer(&bus, &topic).await;
    let held = receive(&mut former, 40).await;
    // Another joins and is given some partitions, once the former has heard of it by polling.
    let mut latter = consumer(&bus, &topic).await;
    let mut taken = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while taken.is_empty() && Instant::now() < deadline {
        let wait = Duration::from_millis(200);
        let (_, polled) = tokio::join!(former.poll(1, wait), latter.poll(100, wait));
        taken = polled.unwrap();
    }
    assert!(!taken.is_empty(), "nothing was handed over");
    let positions: Vec<_> = held.iter().map(|held| held.position.clone()).collect();
    former.acknowledge(&positions).await.unwrap();
    former.close().await.unwrap();
    drop(latter);
    let mut last = consumer(&bus, &topic).await;
    let mut all = numbers(&receive(&mut last, 40).await);
    all.sort_unstable();
    assert_eq!(
        all,
        (0..40).collect::<Vec<_>>(),
        "a late acknowledgement lost messages"
    );
}
