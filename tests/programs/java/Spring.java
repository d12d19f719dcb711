// A program with Spring for Apache Kafka: a listener that fails twice over every record, and over some always, so that
// they go through the topics of retries, and some to the one of dead letters.

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.BackOff;
import org.springframework.kafka.annotation.DltHandler;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.core.ProducerFactory;
import org.springframework.kafka.retrytopic.TopicSuffixingStrategy;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

public class Spring {
    static final int RECORDS = 200;
    static final int PARTITIONS = 3;
    static final Duration PATIENCE = Duration.ofSeconds(120);

    /** Every tenth record is one that no attempt helps. */
    static boolean isHopeless(int number) {
        return number % 10 == 0;
    }

    public static class Listener {
        final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
        final Map<Integer, AtomicInteger> attempts = new ConcurrentHashMap<>();
        final Map<Integer, AtomicInteger> done = new ConcurrentHashMap<>();
        final Map<Integer, AtomicInteger> dead = new ConcurrentHashMap<>();

        @RetryableTopic(
            attempts = "3", backOff = @BackOff(delay = 100, multiplier = 2), numPartitions = "3",
            replicationFactor = "3", topicSuffixingStrategy = TopicSuffixingStrategy.SUFFIX_WITH_INDEX_VALUE
        )
        @KafkaListener(id = "listener", topics = "orders")
        public void listen(String value, @Header(KafkaHeaders.RECEIVED_TOPIC) String topic) {
            int number = Integer.parseInt(value);
            count(calls, topic);
            if (count(attempts, number) < 3 || isHopeless(number)) {
                throw new IllegalStateException("attempt at " + number);
            }
            count(done, number);
        }

        @DltHandler
        public void bury(String value) {
            count(dead, Integer.parseInt(value));
        }

        static <K> int count(Map<K, AtomicInteger> counts, K key) {
            return counts.computeIfAbsent(key, any -> new AtomicInteger()).incrementAndGet();
        }
    }

    @Configuration
    @EnableKafka
    @EnableKafkaRetryTopic
    public static class Settings {
        final String servers = System.getenv("BOOTSTRAP_SERVERS");

        @Bean
        Listener listener() {
            return new Listener();
        }

        @Bean
        TaskScheduler scheduler() {
            return new ThreadPoolTaskScheduler();
        }

        @Bean
        KafkaAdmin admin() {
            return new KafkaAdmin(Map.of("bootstrap.servers", servers));
        }

        @Bean
        NewTopic orders() {
            return new NewTopic("orders", PARTITIONS, (short) 3);
        }

        @Bean
        ProducerFactory<String, String> producers() {
            return new DefaultKafkaProducerFactory<>(Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class
            ));
        }

        @Bean
        KafkaTemplate<String, String> template(ProducerFactory<String, String> producers) {
            return new KafkaTemplate<>(producers);
        }

        @Bean
        ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
            var factory = new ConcurrentKafkaListenerContainerFactory<String, String>();
            factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest"
            )));
            factory.setConcurrency(PARTITIONS);
            return factory;
        }
    }

    public static void main(String[] args) throws Exception {
        try (var context = new AnnotationConfigApplicationContext(Settings.class)) {
            KafkaTemplate<?, ?> any = context.getBean(KafkaTemplate.class);
            @SuppressWarnings("unchecked")
            KafkaTemplate<String, String> template = (KafkaTemplate<String, String>) any;
            Listener listener = context.getBean(Listener.class);
            for (int number = 0; number < RECORDS; number++) {
                template.send("orders", "key-" + number % 20, Integer.toString(number)).get(20, TimeUnit.SECONDS);
            }
            await(() -> listener.done.size() + listener.dead.size() == RECORDS,
                () -> listener.done.size() + " were done, " + listener.dead.size() + " are dead letters");
            context.stop();
            System.out.println(counts(listener));
        } catch (Throwable error) {
            error.printStackTrace();
            System.out.println("{\"error\": \"" + String.valueOf(error).replaceAll("[\"\\\\\\s]", " ") + "\"}");
        }
        System.exit(0);
    }

    static void await(Supplier<Boolean> what, Supplier<String> seen) throws InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        while (!what.get()) {
            if (Instant.now().isAfter(end)) {
                throw new IllegalStateException("not after " + PATIENCE.toSeconds() + " s: " + seen.get());
            }
            Thread.sleep(20);
        }
    }

    /** Counts of the listener's calls, and of the records that the topics hold. */
    static String counts(Listener listener) throws Exception {
        Map<String, Object> counts = new TreeMap<>();
        counts.put("written", RECORDS);
        counts.put("done", listener.done.size());
        counts.put("dead letters", listener.dead.keySet().stream().filter(Spring::isHopeless).count());
        counts.put("wrong dead letters", listener.dead.keySet().stream().filter(number -> !isHopeless(number)).count());
        counts.put("done or dead twice", List.of(listener.done, listener.dead).stream()
            .flatMap(all -> all.values().stream()).filter(times -> times.get() > 1).count());
        listener.calls.forEach((topic, times) -> counts.put("calls for " + topic, times));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", System.getenv("BOOTSTRAP_SERVERS")))) {
            for (String topic : List.of("orders", "orders-retry-0", "orders-retry-1", "orders-dlt")) {
                Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    ends.put(new TopicPartition(topic, partition), OffsetSpec.latest());
                }
                long sum = admin.listOffsets(ends).all().get().values().stream().mapToLong(end -> end.offset()).sum();
                counts.put("records of " + topic, sum);
            }
        }
        List<String> parts = new ArrayList<>();
        counts.forEach((what, count) -> parts.add("\"" + what + "\": " + count));
        String version = KafkaTemplate.class.getPackage().getImplementationVersion();
        return "{\"version\": \"" + version + "\", \"counts\": {" + String.join(", ", parts) + "}}";
    }
}
