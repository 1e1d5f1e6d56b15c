# The control groups that a node has: its own, and no others. systemd wants to write them; docker gives them read-only, or
# with the ones of this host. So each container gets a parent of its own, and sees only what is below: the top of what
# it sees is an empty group that stands for this host's, and at the parent's path in it lies the parent.
#
# Where this host has both versions, v2 is taken: every systemd from Debian 11 on boots with it, 262 with nothing else.
module NodeCgroups
  HYBRID = '/sys/fs/cgroup/unified' # where v2 is beside v1
  TOPS = 'labgen-tops'
  PROCESSES = 4 # a MiB, threads too

  # A node has no more than a machine of its size would have: what runs wild there does not take this host with it.
  def self.options(container, memory)
    [*groups(container), '--memory', "#{memory}m", '--pids-limit', (PROCESSES * memory).to_s]
  end

  def self.groups(container)
    return [] unless %w[up reload].include?(ARGV.first) # only these make a container
    seen, hidden = v2? ? ['/sys/fs/cgroup', []] : ['/sys/fs/cgroup/systemd', ['--tmpfs', '/sys/fs/cgroup']]
    ['--cgroupns', 'host', '--cgroup-parent', systemd? ? slice(container) : parent(container), *hidden,
     '--volume', "#{root}/#{TOPS}/#{container}:#{seen}", '--volume', "#{root}#{parent(container)}:#{seen}#{parent(container)}"]
  end

  # The empty groups that are left behind: docker makes what it is told to mount, and takes away only the container's own.
  def self.remove(container)
    Dir['/sys/fs/cgroup/{,*/}'].flat_map { |top| ["#{top}#{TOPS}/#{container}", "#{top}labgen/#{container}"] }.uniq.each do |group|
      Dir["#{group}/**/"].push(group).uniq.sort.reverse.each { |folder| Dir.rmdir(folder) }
    rescue SystemCallError
      next # another user's, gone or never there
    end
  end

  # systemd makes the path of a slice of the dashes in its name.
  def self.slice(container) = "labgen-#{container.tr('-', '_')}.slice"

  def self.parent(container) = systemd? ? "/labgen.slice/#{slice(container)}" : "/labgen/#{container}"

  def self.root
    return '/sys/fs/cgroup' if version == '2'
    hybrid? ? HYBRID : '/sys/fs/cgroup/systemd'
  end

  def self.hybrid? = version != '2' && File.exist?("#{HYBRID}/cgroup.procs")

  def self.v2? = version == '2' || hybrid?

  def self.systemd? = driver == 'systemd'

  def self.driver = asked.first

  def self.version = asked.last

  def self.asked
    @asked ||= LabNetwork.docker('info', '--format', '{{.CgroupDriver}} {{.CgroupVersion}}').split
  end
end
