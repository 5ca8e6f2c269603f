-- When somebody entered: by the first click.
min(toUnixTimestamp64Milli(time))
