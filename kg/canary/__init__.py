"""The canary: a build that answers a share of the users beside the published one, and what is measured of both."""
