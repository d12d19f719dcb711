// A program with segmentio/kafka-go: two members of a group share what is written, and a third resumes.
package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"programs/counted"

	"github.com/segmentio/kafka-go"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), counted.Patience)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(counted.Servers()...)}
	create(ctx)
	counts := &counted.Counts{}
	ledger := counted.NewLedger(counts)

	leave := make([]func(), 0, 2)
	for _, name := range []string{"one", "two"} {
		leave = append(leave, join(ctx, name, ledger))
	}
	counted.Until(ctx, "the group has two members", func() (bool, error) {
		answer, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{counted.Group}})
		if err != nil {
			return false, err
		}
		group := answer.Groups[0]
		return group.GroupState == "Stable" && len(group.Members) == 2, group.Error
	})
	counts.Written += write(ctx, 0, counted.First)
	ledger.Wait(ctx, counted.First)
	counts.Read = ledger.Seen()
	for _, one := range leave {
		one()
	}

	counts.Written += write(ctx, counted.First, counted.More)
	last := join(ctx, "three", ledger)
	ledger.Wait(ctx, counted.First+counted.More)
	last()
	counts.Resumed = ledger.Seen() - counts.Read
	counts.Committed = committed(ctx, client)
	counted.Tell("github.com/segmentio/kafka-go", counts)
}

// The controller creates topics, so that this library has one look for it first.
func create(ctx context.Context) {
	any, err := kafka.DialContext(ctx, "tcp", counted.Servers()[0])
	counted.Check(err)
	defer any.Close()
	found, err := any.Controller()
	counted.Check(err)
	controller, err := kafka.DialContext(ctx, "tcp", net.JoinHostPort(found.Host, strconv.Itoa(found.Port)))
	counted.Check(err)
	defer controller.Close()
	counted.Check(controller.CreateTopics(kafka.TopicConfig{
		Topic: counted.Topic, NumPartitions: counted.Partitions, ReplicationFactor: counted.Replicas,
	}))
}

func write(ctx context.Context, first, count int) int {
	writer := &kafka.Writer{
		Addr: kafka.TCP(counted.Servers()...), Topic: counted.Topic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		Compression: kafka.Snappy,
	}
	messages := make([]kafka.Message, count)
	for at := range messages {
		messages[at] = kafka.Message{Key: counted.Key(first + at), Value: counted.Value(first + at)}
	}
	counted.Check(writer.WriteMessages(ctx, messages...))
	counted.Check(writer.Close())
	return count
}

// Starts a member, and gives what has it leave.
func join(ctx context.Context, name string, ledger *counted.Ledger) func() {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: counted.Servers(), GroupID: counted.Group, Topic: counted.Topic, StartOffset: kafka.FirstOffset,
		// A reader that closes waits for its fetch.
		MaxWait: 250 * time.Millisecond,
	})
	reading, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			message, err := reader.FetchMessage(reading)
			if errors.Is(err, context.Canceled) {
				return
			}
			counted.Check(err)
			counted.Check(reader.CommitMessages(ctx, message))
			ledger.Saw(name, message.Key, message.Value)
		}
	})
	return func() {
		stop()
		ended.Wait()
		counted.Check(reader.Close())
	}
}

func committed(ctx context.Context, client *kafka.Client) (sum int64) {
	partitions := make([]int, counted.Partitions)
	for at := range partitions {
		partitions[at] = at
	}
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: counted.Group, Topics: map[string][]int{counted.Topic: partitions},
	})
	counted.Check(err)
	for _, partition := range answer.Topics[counted.Topic] {
		counted.Check(partition.Error)
		sum += max(partition.CommittedOffset, 0)
	}
	return sum
}
