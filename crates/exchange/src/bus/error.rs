use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use store::StoreError;

/// What can go wrong on the way to the bus. Errors of the client become ours here and nowhere
/// else; none of them holds a setting's value, which may be a password.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the setting `kafka.{name}` is missing")]
    Missing { name: &'static str },
    #[error("the setting `kafka.{name}` is not yours to make: {reason}")]
    Decided { name: String, reason: &'static str },
    #[error(
        "the setting `kafka.{name}` is not one that this Kafka client takes, or its value is not"
    )]
    Setting { name: String },
    #[error("the Kafka client could not be made with these settings")]
    Client,
    #[error("the broker does not take the message or does not allow the action ({0})")]
    Refused(RDKafkaErrorCode),
    #[error("the broker does not answer or is not ready ({0})")]
    Unavailable(RDKafkaErrorCode),
    #[error("the Kafka client ended before the broker had answered")]
    Interrupted,
    #[error("the outbox failed: {0}")]
    Store(#[from] StoreError),
}

impl BusError {
    /// True where the same step may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Interrupted => true,
            Self::Store(error) => error.is_transient(),
            Self::Missing { .. }
            | Self::Decided { .. }
            | Self::Setting { .. }
            | Self::Client
            | Self::Refused(_) => false,
        }
    }
}

impl From<KafkaError> for BusError {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, _, name, _) => Self::Setting { name },
            // Its text may quote the settings.
            KafkaError::ClientCreation(_) => Self::Client,
            KafkaError::Canceled => Self::Interrupted,
            error => match error.rdkafka_error_code() {
                Some(code) if is_refusal(code) => Self::Refused(code),
                Some(code) => Self::Unavailable(code),
                None => Self::Unavailable(RDKafkaErrorCode::Fail),
            },
        }
    }
}

/// What waiting does not mend. A topic that is not there is not among them: it may be made.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Authentication
            | Code::BadMessage
            | Code::ClusterAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::InvalidArgument
            | Code::InvalidGroupId
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidRequiredAcks
            | Code::InvalidTopic
            | Code::MessageBatchTooLarge
            | Code::MessageSizeTooLarge
            | Code::PolicyViolation
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::UnsupportedCompressionType
            | Code::UnsupportedFeature
            | Code::UnsupportedSASLMechanism
    )
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaConfRes;

    use super::*;

    #[test]
    fn an_error_names_the_setting_and_not_its_value() {
        let error = BusError::from(KafkaError::ClientConfig(
            RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "Invalid value".to_owned(),
            "sasl.password".to_owned(),
            "secret-word".to_owned(),
        ));
        assert!(error.to_string().contains("kafka.sasl.password"));
        assert!(!format!("{error} {error:?}").contains("secret-word"));
    }

    #[test]
    fn what_waiting_mends_is_told_from_what_it_does_not() {
        use RDKafkaErrorCode as Code;
        for (code, is_transient) in [
            (Code::BrokerTransportFailure, true),
            (Code::AllBrokersDown, true),
            (Code::MessageTimedOut, true),
            (Code::NotEnoughReplicas, true),
            (Code::UnknownTopicOrPartition, true),
            (Code::MessageSizeTooLarge, false),
            (Code::TopicAuthorizationFailed, false),
        ] {
            let error = BusError::from(KafkaError::MessageProduction(code));
            assert_eq!(error.is_transient(), is_transient, "{code}");
        }
    }
}
