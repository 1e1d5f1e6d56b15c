require 'open3'

# The lab's network is each container's second interface. It is made before the first container, and goes with the last.
module LabNetwork
  ONE_AT_A_TIME = Mutex.new # Vagrant brings containers up side by side
  ADDRESSES = NODES.to_h { |n| ["labgen-#{LAB}-#{n[:name]}", n[:address]] }.freeze
  # Whose it is: the folder of labs that labgen makes it from, or this very folder.
  OWNER = ['--label', "labgen.owner=#{ENV.fetch('LABGEN_OWNER', File.expand_path('..', __dir__))}",
           '--label', "labgen.origin=#{ENV.fetch('LABGEN_ORIGIN', File.expand_path('..', __dir__))}"].freeze
  JOINED = [] # containers that this very Vagrant has put into it

  class DockerFailed < Vagrant::Errors::VagrantError
    def initialize(output)
      @output = output
      super()
    end

    def error_message
      @output
    end
  end

  def self.docker(*words)
    output, status = Open3.capture2e('docker', *words)
    raise DockerFailed, "docker #{words.join(' ')}: #{output}" unless status.success?
    output
  end

  # Without masquerading the network leads nowhere; an --internal one would also drop VRRP's multicast.
  def self.make
    docker('network', 'create', '--subnet', CIDR, '--label', "labgen.lab=#{LAB}", *OWNER,
           '--opt', 'com.docker.network.bridge.enable_ip_masquerade=false', NETWORK)
  rescue DockerFailed
    # It may be there already.
    raise if docker('network', 'ls', '--quiet', '--filter', "name=^#{NETWORK}$").empty?
  end

  # It is made while the first containers are; `ready` waits for it.
  def self.begin
    ONE_AT_A_TIME.synchronize { @making ||= Thread.new { Thread.current.report_on_exception = false; make } }
  end

  def self.ready = self.begin.value

  def self.join(container)
    return if JOINED.include?(container)
    ready
    docker('network', 'connect', '--ip', ADDRESSES.fetch(container), NETWORK, container)
    JOINED << container
  rescue DockerFailed
    # It may be in it already.
    raise if docker('ps', '--all', '--quiet', '--filter', "name=^/#{container}$", '--filter', "network=#{NETWORK}").empty?
  end

  def self.remove
    ONE_AT_A_TIME.synchronize do
      next unless docker('ps', '--all', '--quiet', '--filter', "label=labgen.lab=#{LAB}").empty?
      next if docker('network', 'ls', '--quiet', '--filter', "name=^#{NETWORK}$").empty?
      docker('network', 'rm', NETWORK)
    end
  end

  # Where `speedups.rb` stands aside, a container is not in the network when it starts; when its first step begins it has to be.
  class JoinFirst
    def initialize(app, _env)
      @app = app
    end

    def call(env)
      LabNetwork.join("labgen-#{LAB}-#{env[:machine].name}")
      @app.call(env)
    end
  end

  class Plugin < Vagrant.plugin('2')
    name 'labgen network'
    action_hook(:labgen_network, :provisioner_run) { |hook| hook.prepend(JoinFirst) }
  end
end
