# The control groups that a node has: its own, and no others. systemd wants to write them; docker gives them read-only, or
# with the ones of this host. So each container gets a parent of its own, and sees only what is below: the top of what
# it sees is an empty group that stands for this host's, and at the parent's path in it lies the parent.
#
# Where this host has both versions, v2 is taken: every systemd from Debian 11 on boots with it, 262 with nothing else.
module NodeCgroups
  HYBRID = '/sys/fs/cgroup/unified' # where v2 is beside v1
  PROCESSES = 4 # a MiB, threads too

  # A node has no more than a machine of its size would have: what runs wild there does not take this host with it.
  def self.options(container, memory)
    [*groups(container), '--memory', "#{memory}m", '--pids-limit', (PROCESSES * memory).to_s]
  end

  def self.groups(container)
    return [] unless %w[up reload].include?(ARGV.first) # only these make a container
    seen, hidden = v2? ? ['/sys/fs/cgroup', []] : ['/sys/fs/cgroup/systemd', ['--tmpfs', '/sys/fs/cgroup']]
    parent = systemd? ? slice(container) : "/#{container}"
    path = File.join('/', parent)
    ['--cgroupns', 'host', '--cgroup-parent', parent, *hidden,
     '--volume', "#{root}/#{top(container)}:#{seen}", '--volume', "#{root}#{path}:#{seen}#{path}"]
  end

  # The empty groups that are left behind: docker and systemd make those they are told of, and take away only the
  # container's own. A slice is systemd's to take away.
  def self.remove(container)
    mounted = ['/sys/fs/cgroup', *Dir['/sys/fs/cgroup/*']]
    left = mounted.product([top(container), container, slice(container)]).map { |there, name| File.join(there, name) }
    left.select! { |folder| File.directory?(folder) }
    system('systemctl', '--no-ask-password', 'stop', slice(container), %i[out err] => File::NULL) if left.any? { |folder| folder.end_with?('.slice') }
    left.each do |folder|
      Dir["#{folder}/**/"].sort.reverse.each { |below| Dir.rmdir(below) }
    rescue SystemCallError
      next # another user's, gone or never there
    end
  end

  # No container shares a group with another one: whoever goes leaves nothing to the last.
  def self.top(container) = "#{container}.top"

  # systemd makes a path of the dashes in a slice's name.
  def self.slice(container) = "#{container.tr('-', '_')}.slice"

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
