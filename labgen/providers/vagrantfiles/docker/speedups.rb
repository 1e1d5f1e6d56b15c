# Has Vagrant boot containers in a fraction of the time. The lab is the same without this file.
#
# It reopens classes of Vagrant that are no interface: written for Vagrant 2.3.4 and what follows it in 2.3 (Debian 12 has
# 2.3.4, Debian 13 2.3.7), it stands aside for any other.
SPEEDUPS_KNOW = Gem::Requirement.new('~> 2.3.4')
unless SPEEDUPS_KNOW.satisfied_by?(Gem::Version.new(Vagrant::VERSION))
  $stderr.puts "vagrant/speedups.rb stands aside: it knows Vagrant #{SPEEDUPS_KNOW}, this is #{Vagrant::VERSION}"
  return
end

# For seven machines Vagrant would put some eighty questions to Docker whose answers are known, one program run each.
module FewerQuestions
  VERSION = [] # asked for once for each machine, before any is made, to see whether Docker is there at all
  MADE = {} # containers that this very Vagrant has made and started

  # No port is forwarded here. To find those in use all containers of this host would be inspected, and it would fail if
  # one of them, whoever's, went away meanwhile. Nor is a folder shared by NFS, for which all are listed.
  def read_used_ports = {}

  def all_containers = []

  def execute(*words, **options, &block)
    return super unless words == %w[docker version]
    VERSION.first || super.tap { |answer| VERSION << answer }
  end

  # Before its container is made, a machine's id is `preparing`.
  def created?(id) = id != 'preparing' && (MADE.key?(id) || super)

  def running?(id) = id != 'preparing' && (MADE.key?(id) || super)

  def stop(id, timeout)
    MADE.delete(id)
    super
  end

  def rm(id)
    MADE.delete(id)
    super
  end
end

# A container is in the lab's network before it starts: to give a running one another interface takes three times as long.
module NetworkFirst
  def create(params, **options, &block)
    id = super(params.merge(detach: false), **options, &block)
    LabNetwork.join(params[:name])
    execute('docker', 'start', id)
    FewerQuestions::MADE[id] = true
    id
  rescue StandardError
    # Vagrant is not told of it, and could not remove it.
    rm(id) if id
    raise
  end

  def execute(*words, **options, &block)
    words[1] = 'create' if words[0, 2] == %w[docker run]
    super(*words, **options, &block)
  end
end
VagrantPlugins::DockerProvider::Driver.prepend(FewerQuestions, NetworkFirst)

# While it only brings machines up, Vagrant would log in to each to see to its shared folders; there are none.
Vagrant::Machine.prepend(Module.new do
  def ssh_info = ARGV.first == 'up' && ARGV.include?('--no-provision') ? nil : super
end)

# Each of Vagrant's actions makes itself a logger, and each new one goes through all that there are. One a name will do.
Log4r::Logger.singleton_class.prepend(Module.new do
  def new(name, *more) = (more.empty? && self[name]) || super
end)
