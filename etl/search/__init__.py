"""Search at the job door: queries one by one and in files, weights learned and measured."""
