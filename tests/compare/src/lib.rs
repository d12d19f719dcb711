//! Odd requests to Apache Kafka and to a broker of ours, and where their answers differ.
//!
//! Requests are made from good ones ([`stages`]) by changing one place, or two ([`generate`]), and sent to both
//! ([`play`]). What must differ is taken out of the answers ([`normal`]); what still differs is listed by kind
//! ([`report`]). What Kafka said can be kept ([`corpus`]) and played against a broker where there is no Kafka.

pub mod batches;
pub mod corpus;
pub mod generate;
pub mod normal;
pub mod play;
pub mod report;
pub mod side;
pub mod stages;
pub mod step;
pub mod wire;
