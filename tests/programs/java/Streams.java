// A program of Kafka Streams: records are grouped again by another key and counted, all in all and in windows.

import static org.apache.kafka.streams.CloseOptions.GroupMembershipOperation.LEAVE_GROUP;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;

public class Streams {
    public static void main(String[] args) throws Exception {
        String servers = args[0];
        String state = args[1];
        int keys = Integer.parseInt(args[2]);
        Duration window = Duration.ofSeconds(Long.parseLong(args[3]));
        String guarantee = args[4];
        StreamsBuilder builder = new StreamsBuilder();
        KGroupedStream<String, String> grouped = builder.<String, String>stream("orders")
            .selectKey((key, number) -> "key-" + Integer.parseInt(number) % keys)
            .groupByKey();
        grouped.count(Materialized.as("totals")).toStream().mapValues(count -> count.toString()).to("counts");
        grouped.windowedBy(TimeWindows.ofSizeAndGrace(window, Duration.ofDays(1)))
            .count(Materialized.as("windowed"))
            .toStream((key, count) -> key.key() + "@" + key.window().start() / 1000)
            .mapValues(count -> count.toString())
            .to("windows");

        Properties settings = new Properties();
        settings.putAll(Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG, "counting",
            StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
            StreamsConfig.STATE_DIR_CONFIG, state,
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee,
            StreamsConfig.REPLICATION_FACTOR_CONFIG, 3,
            StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 1,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500,
            // Every record is an update that is seen, committed or not.
            StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0,
            // An instance that crashes is missed after this time; by default after 45 seconds.
            StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6000
        ));
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        CloseOptions leave = CloseOptions.groupMembershipOperation(LEAVE_GROUP);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(leave)));
        streams.start();
        Thread.currentThread().join();
    }
}
