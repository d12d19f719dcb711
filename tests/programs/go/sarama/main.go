// A program with IBM/sarama: two members of a group share what is written, and a third resumes.
package main

import (
	"context"
	"errors"
	"sync"

	"programs/counted"

	"github.com/IBM/sarama"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), counted.Patience)
	defer cancel()
	config := sarama.NewConfig()
	// Sarama speaks the versions of this release, the newest that it knows.
	config.Version = sarama.MaxVersion
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Compression = sarama.CompressionZSTD
	// An idempotent producer of this library has one request at a time on its way.
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest

	admin, err := sarama.NewClusterAdmin(counted.Servers(), config)
	counted.Check(err)
	defer admin.Close()
	counted.Check(admin.CreateTopic(counted.Topic, &sarama.TopicDetail{
		NumPartitions: counted.Partitions, ReplicationFactor: counted.Replicas,
	}, false))
	counts := &counted.Counts{}
	ledger := counted.NewLedger(counts)

	leave := make([]func(), 0, 2)
	for _, name := range []string{"one", "two"} {
		leave = append(leave, join(ctx, name, config, ledger))
	}
	counted.Until(ctx, "the group has two members", func() (bool, error) {
		groups, err := admin.DescribeConsumerGroups([]string{counted.Group})
		if err != nil {
			return false, err
		}
		return groups[0].State == "Stable" && len(groups[0].Members) == 2, nil
	})
	counts.Written += write(config, 0, counted.First)
	ledger.Wait(ctx, counted.First)
	counts.Read = ledger.Seen()
	for _, one := range leave {
		one()
	}

	counts.Written += write(config, counted.First, counted.More)
	last := join(ctx, "three", config, ledger)
	ledger.Wait(ctx, counted.First+counted.More)
	last()
	counts.Resumed = ledger.Seen() - counts.Read
	counts.Committed = committed(admin)
	counted.Tell("github.com/IBM/sarama", counts)
}

func write(config *sarama.Config, first, count int) int {
	producer, err := sarama.NewSyncProducer(counted.Servers(), config)
	counted.Check(err)
	messages := make([]*sarama.ProducerMessage, count)
	for at := range messages {
		messages[at] = &sarama.ProducerMessage{
			Topic: counted.Topic, Key: sarama.ByteEncoder(counted.Key(first + at)),
			Value: sarama.ByteEncoder(counted.Value(first + at)),
		}
	}
	counted.Check(producer.SendMessages(messages))
	counted.Check(producer.Close())
	return count
}

// A member of the group.
type member struct {
	name   string
	ledger *counted.Ledger
}

func (member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			m.ledger.Saw(m.name, message.Key, message.Value)
		case <-session.Context().Done():
			return nil
		}
	}
}

// Starts a member, and gives what has it leave.
func join(ctx context.Context, name string, config *sarama.Config, ledger *counted.Ledger) func() {
	group, err := sarama.NewConsumerGroup(counted.Servers(), counted.Group, config)
	counted.Check(err)
	reading, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for reading.Err() == nil {
			err := group.Consume(reading, []string{counted.Topic}, member{name, ledger})
			if !errors.Is(err, context.Canceled) {
				counted.Check(err)
			}
		}
	})
	return func() {
		stop()
		ended.Wait()
		counted.Check(group.Close())
	}
}

func committed(admin sarama.ClusterAdmin) (sum int64) {
	answer, err := admin.ListConsumerGroupOffsets(counted.Group, nil)
	counted.Check(err)
	for _, block := range answer.Blocks[counted.Topic] {
		if block.Err != sarama.ErrNoError {
			counted.Check(block.Err)
		}
		sum += max(block.Offset, 0)
	}
	return sum
}
