package orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** A program that writes and reads orders. */
@EnabledIfEnvironmentVariable(named = "BOOTSTRAP_SERVERS", matches = ".+")
class OrdersTest {
    private static final int ORDERS = 100;
    private static final String SERVERS = System.getenv("BOOTSTRAP_SERVERS");

    private final String topic = "orders-" + UUID.randomUUID();

    @Test
    @Timeout(60)
    void aGroupReadsEveryOrderOnce() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 3))).all().get();
        }
        Map<String, Object> config = Map.of("bootstrap.servers", SERVERS);
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; number < ORDERS; number++) {
                var record = new ProducerRecord<>(topic, "customer-" + number % 7, "order " + number);
                record.headers().add("source", "shop".getBytes(StandardCharsets.UTF_8));
                producer.send(record);
            }
            producer.flush();
        }

        Map<String, Object> group = Map.of(
            "bootstrap.servers", SERVERS, "group.id", "readers-" + topic, "auto.offset.reset", "earliest");
        Set<String> seen = new TreeSet<>();
        try (var consumer = new KafkaConsumer<>(group, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (seen.size() < ORDERS) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                    assertTrue(seen.add(record.value()), record.value() + " came twice");
                    assertEquals("shop", new String(record.headers().lastHeader("source").value(),
                        StandardCharsets.UTF_8));
                }
            }
            consumer.commitSync();
            long committed = consumer.committed(consumer.assignment()).values().stream()
                .mapToLong(offset -> offset == null ? 0 : offset.offset()).sum();
            assertEquals(ORDERS, committed);
        }
    }
}
