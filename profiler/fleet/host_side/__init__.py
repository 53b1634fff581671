"""What happens on a host of a fleet, the same for every transport: `aforo fleet-host` of the host's own Aforo."""
