"""What reviews and posts say: language, sentences, polarity, aspects with their places, topics."""
