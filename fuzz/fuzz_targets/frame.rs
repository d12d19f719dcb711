//! Any bytes as a request: header, then the body as whatever the header says.
#![no_main]

use blumfeld_protocol::frame::{Header, decode_body, decode_header};
use blumfeld_protocol::{ApiKey, messages::*};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn body(header: &Header, body: Bytes) -> bool {
    match header.api_key {
        ApiKey::Produce => decode_body::<ProduceRequest>(header, body).is_ok(),
        ApiKey::Fetch => decode_body::<FetchRequest>(header, body).is_ok(),
        ApiKey::ListOffsets => decode_body::<ListOffsetsRequest>(header, body).is_ok(),
        ApiKey::Metadata => decode_body::<MetadataRequest>(header, body).is_ok(),
        ApiKey::ApiVersions => decode_body::<ApiVersionsRequest>(header, body).is_ok(),
        ApiKey::CreateTopics => decode_body::<CreateTopicsRequest>(header, body).is_ok(),
        ApiKey::DeleteTopics => decode_body::<DeleteTopicsRequest>(header, body).is_ok(),
        ApiKey::DeleteRecords => decode_body::<DeleteRecordsRequest>(header, body).is_ok(),
        ApiKey::DescribeConfigs => decode_body::<DescribeConfigsRequest>(header, body).is_ok(),
        ApiKey::CreatePartitions => decode_body::<CreatePartitionsRequest>(header, body).is_ok(),
        ApiKey::IncrementalAlterConfigs => decode_body::<IncrementalAlterConfigsRequest>(header, body).is_ok(),
        ApiKey::DescribeCluster => decode_body::<DescribeClusterRequest>(header, body).is_ok(),
        ApiKey::DescribeTopicPartitions => decode_body::<DescribeTopicPartitionsRequest>(header, body).is_ok(),
        _ => false,
    }
}

fuzz_target!(|data: &[u8]| {
    let frame = Bytes::copy_from_slice(data);
    if let Ok((header, rest)) = decode_header(&frame) {
        body(&header, rest);
    }
});
