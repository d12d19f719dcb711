// Prints what Apache Kafka makes of keys, subscriptions and assignments; protocol.txt beside this file is its output. It is
// run as AssignorVectors.java is.
//
// key KEY PARTITIONS PARTITION         the built-in partitioner's choice; the key in hexadecimal
// subscription VERSION TOPICS OWNED GENERATION RACK DATA BYTES
// assignment VERSION PARTITIONS DATA BYTES
//                                      ConsumerProtocol; "-" for nothing, DATA and BYTES in hexadecimal

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;

public class ProtocolVectors {
    static final Random random = new Random(11);
    static final List<String> TOPICS = List.of("orders", "payments", "a", "B", "clicks.raw", "audit_log");

    static String hex(ByteBuffer buffer) {
        if (buffer == null) return "-";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return "x" + HexFormat.of().formatHex(bytes);
    }

    static ByteBuffer bytes(int most) {
        byte[] bytes = new byte[random.nextInt(most)];
        random.nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }

    static List<TopicPartition> partitions() {
        Set<TopicPartition> some = new LinkedHashSet<>();
        for (int i = random.nextInt(8); i > 0; i--)
            some.add(new TopicPartition(TOPICS.get(random.nextInt(TOPICS.size())), random.nextInt(6)));
        return new ArrayList<>(some);
    }

    static String text(List<TopicPartition> partitions) {
        if (partitions.isEmpty()) return "-";
        StringJoiner text = new StringJoiner(";");
        partitions.forEach(one -> text.add(one.topic() + ":" + one.partition()));
        return text.toString();
    }

    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        out.append("# Recorded from Apache Kafka 4.3.1's Java clients by ProtocolVectors.java, which says what a line means.\n");
        for (int i = 0; i < 1200; i++) {
            byte[] key = bytes(40).array();
            int partitions = 1 + random.nextInt(i % 3 == 0 ? 10_000 : 60);
            out.append("key ").append(hex(ByteBuffer.wrap(key))).append(' ').append(partitions).append(' ');
            out.append(BuiltInPartitioner.partitionForKey(key, partitions)).append('\n');
        }
        for (int i = 0; i < 400; i++) {
            short version = (short) (i % 4);
            List<String> topics = new ArrayList<>(TOPICS);
            Collections.shuffle(topics, random);
            topics = topics.subList(0, random.nextInt(topics.size() + 1));
            List<TopicPartition> owned = partitions();
            int generation = random.nextInt(5) - 1;
            String rack = random.nextBoolean() ? "rack-" + random.nextInt(9) : null;
            ByteBuffer data = random.nextBoolean() ? bytes(12) : null;
            Subscription subscription = new Subscription(topics, data, owned, generation, Optional.ofNullable(rack));
            out.append("subscription ").append(version).append(' ');
            out.append(topics.isEmpty() ? "-" : String.join(",", topics)).append(' ').append(text(owned)).append(' ');
            out.append(generation).append(' ').append(rack == null ? "-" : rack).append(' ').append(hex(data)).append(' ');
            out.append(hex(ConsumerProtocol.serializeSubscription(subscription, version))).append('\n');
            List<TopicPartition> assigned = partitions();
            out.append("assignment ").append(version).append(' ').append(text(assigned)).append(' ').append(hex(data));
            out.append(' ').append(hex(ConsumerProtocol.serializeAssignment(new Assignment(assigned, data), version)));
            out.append('\n');
        }
        System.out.write(out.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }
}
